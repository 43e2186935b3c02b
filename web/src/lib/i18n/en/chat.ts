/** Texts of a conversation. */
export const chat = {
  send: "Send",
  stop: "Stop",
};
