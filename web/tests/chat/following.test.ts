import { describe, expect, it } from "vitest";
import { follows, type Place } from "../../src/lib/chat/following";

const place = (top: number, all = 2_000, view = 500): Place => ({ top, view, all });

describe("whether a conversation keeps to its end", () => {
  it("does while the text grows under a reader who is there", () => {
    expect(follows(true, place(1_500), place(1_500, 2_400))).toBe(true);
  });

  it("ceases as soon as the reader moves up, however little", () => {
    expect(follows(true, place(1_500), place(1_490))).toBe(false);
  });

  it("does not begin again because of a growth elsewhere", () => {
    expect(follows(false, place(800), place(800, 2_600))).toBe(false);
  });

  it("begins again when the reader comes back to the end, or near it", () => {
    expect(follows(false, place(1_300), place(1_480))).toBe(true);
  });

  it("does not begin on the way up, though the end is still near", () => {
    expect(follows(false, place(1_495), place(1_485))).toBe(false);
  });

  it("goes on when the text becomes shorter, as when a message is deleted at the end", () => {
    expect(follows(true, place(1_500), place(1_300, 1_800))).toBe(true);
  });

  it("goes on when the view becomes smaller, as when a keyboard opens", () => {
    expect(follows(true, place(1_500, 2_000, 500), place(1_490, 2_000, 250))).toBe(true);
  });
});
