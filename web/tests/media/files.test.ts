// @vitest-environment node -- jsdom's files cannot be read in part
/** What is decided about pictures and sounds without a hub: which files are sent, how a time is shown, what is said. */
import { describe, expect, it } from "vitest";
import { CommandRefused, ConnectionLost, type Problem } from "../../src/lib/client";
import { clock } from "../../src/lib/media/clock";
import { refusalOf } from "../../src/lib/media/hub";
import { lookedAt, MOST_BYTES, senseOf } from "../../src/lib/media/kinds";
import { loudnessOf } from "../../src/lib/media/loudness";
import { spoken } from "../../src/lib/media/spoken";
import { Upload } from "../../src/lib/media/upload.svelte";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

describe("a file", () => {
  it.each([
    ["\x89PNG\r\n\x1a\n", "image"],
    ["\xff\xd8\xff\xe0", "image"],
    ["GIF89a", "image"],
    ["RIFF\0\0\0\0WEBPVP8 ", "image"],
    ["RIFF\0\0\0\0WAVEfmt ", "audio"],
    ["OggS\0", "audio"],
    ["ID3\x04", "audio"],
    ["\xff\xfb\x90", "audio"],
    ["\0\0\0\x20ftypM4A ", "audio"],
    ["\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "audio"],
    ["\0\0\0\x20ftypheic", null],
    ["\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", null],
    ["RIFF\0\0\0\0AVI LIST", null],
    ["<svg xmlns='http://www.w3.org/2000/svg'>", null],
    ["<html>", null],
    ["%PDF-1.7", null],
    ["", null],
  ])("that begins with %j is %j, whatever its name says", (head, sense) => {
    expect(senseOf(bytes(head))).toBe(sense);
  });

  it("is refused before anything is sent: of another kind, too large, or empty", async () => {
    expect(await lookedAt(new File(["<html>"], "cat.png", { type: "image/png" }))).toEqual({
      refusal: "unsupported_media_type",
    });
    const png = bytes("\x89PNG\r\n\x1a\n");
    expect(await lookedAt(new File([png, new Uint8Array(MOST_BYTES)], "cat.png"))).toEqual({
      refusal: "too_large",
    });
    expect(await lookedAt(new File([], "cat.png"))).toEqual({ refusal: "empty" });
    expect(await lookedAt(new File([png], "cat.txt"))).toEqual({ sense: "image" });
  });
});

describe("a file that was refused", () => {
  const refused = (code: Problem["code"], retryable: boolean) =>
    new CommandRefused({
      type: `urn:tutorhub:problem:${code}`,
      title: "",
      status: 500,
      detail: "",
      code,
      retryable,
    });

  it.each([
    ["is offered again where the hub says that it may be taken yet", refused("unavailable", true), true],
    ["is not where it says that it won't be", refused("quota_exceeded", false), false],
    ["is once one has signed in again", refused("unauthenticated", false), true],
    ["is where nobody knows whether it arrived", new ConnectionLost(), true],
  ])("%s", (_, error, isOffered) => {
    const upload = new Upload(new File(["GIF89a"], "cat.gif"));
    upload.refuse(refusalOf(error));
    expect([upload.state, upload.canRetry]).toEqual(["refused", isOffered]);
  });

  it("is not taken for one when the fault is ours", () => {
    const fault = new TypeError("undefined is not a function");
    expect(() => refusalOf(fault)).toThrow(fault);
  });
});

describe("a time", () => {
  it.each([
    [0, "0:00"],
    [59.9, "0:59"],
    [600, "10:00"],
    [Number.NaN, "–:––"],
    [Infinity, "–:––"],
  ])("of %d seconds is shown as %s", (seconds, shown) => {
    expect(clock(seconds)).toBe(shown);
  });
});

describe("loudness", () => {
  it("is nothing in silence, and no more than all of it in a roar", () => {
    expect(loudnessOf(new Float32Array(64))).toBe(0);
    expect(loudnessOf(new Float32Array())).toBe(0);
    expect(loudnessOf(new Float32Array(64).fill(1))).toBe(1);
    expect(loudnessOf(new Float32Array(64).fill(0.1))).toBeCloseTo(0.3, 1);
  });
});

describe("what is read aloud", () => {
  it("is the words, sentence by sentence, without marks and without code", () => {
    expect(
      spoken(
        "# Limits\n\nA **limit** is *approached*. See [the page](https://a.example)!\n\n```js\nlet x;\n```\n",
      ),
    ).toEqual(["Limits", "A limit is approached.", "See the page!"]);
  });

  it("goes through lists and tables", () => {
    expect(spoken("- one\n- two\n  - three\n\n| a | b |\n|---|---|\n| 1 | 2 |")).toEqual([
      ...["one", "two", "three", "a, b", "1, 2"],
    ]);
  });

  it("is never too much at once, and nothing where there are no words", () => {
    const pieces = spoken("word ".repeat(500));
    expect(pieces.every((piece) => piece.length <= 200)).toBe(true);
    expect(pieces.join(" ").split(" ")).toHaveLength(500);
    expect(spoken("---\n\n***\n\n…")).toEqual([]);
  });
});
