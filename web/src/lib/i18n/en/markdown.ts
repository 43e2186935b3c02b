/** Texts about what stands in a message. */
export const markdown = {
  code: "code",
  copy: "Copy",
  copyCode: "Copy the code",
  copied: "Copied",
  notCopied: "Could not copy",
};
