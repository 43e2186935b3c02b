/** Texts about the list of sessions, and about one of them. */
import { isolated } from "../isolated";
import { plural } from "../plural";

const count = plural("en");

export const sessions = {
  title: "Sessions",
  list: "Your sessions",
  untitled: "New session",
  new: "New session",
  search: "Search your sessions",
  clearSearch: "Clear the search",
  ages: {
    today: "Today",
    yesterday: "Yesterday",
    week: "Last 7 days",
    month: "Last 30 days",
    older: "Earlier",
  },
  unread: "New answer",
  answering: "Answering …",
  none: "No sessions yet",
  noneText: "What you ask begins one.",
  nothingFound: "Nothing found",
  nothingFoundText: (query: string) => `No session has “${isolated(query)}” in it.`,
  similarWords: (words: readonly string[]) =>
    `Nothing has these very words. Similar ones: ${words.join(", ")}`,
  inMessages: "In conversations",
  searching: "Searching …",
  searchFailed: "The search did not work. Names and previews are searched.",
  found: (results: number) => count(results, { one: "# result", other: "# results" }),
  more: "Show more",
  actions: (title: string) => `More about ${title}`,
  rename: "Rename",
  details: "Details",
  newName: "New name",
  deleted: (title: string) => `“${isolated(title)}” was deleted.`,
  continue: "Continue",
  viewHistory: "View history",
  mode: "Mode",
  modes: { fun: "Fun", learn: "Learn" },
  language: "Language",
  messages: "Messages",
  created: "Begun",
  updated: "Last change",
};
