/** Texts of the frame: who is here, what is chosen, how the connection does. */
export const shell = {
  signOut: "Sign out",
};
