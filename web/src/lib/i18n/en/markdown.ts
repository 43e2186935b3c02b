/** Texts about what stands in a message. */
export const markdown = {
  code: "code",
  copyCode: "Copy the code",
};
