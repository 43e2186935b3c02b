/** Texts about the list of sessions. */
export const sessions = {
  untitled: "New session",
};
