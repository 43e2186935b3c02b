/** Texts about pictures and sounds. */
export const media = {
  cancel: "Cancel",
};
