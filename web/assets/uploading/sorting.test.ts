import { expect, test } from "vitest";
import { image } from "./fake_server";
import { kindOf } from "./sorting";

test("what a file is, by its first bytes", async () => {
  expect(await kindOf(image("IM1"))).toBe("image");
  expect(await kindOf(new File(["PK\x03\x04..."], "disc.zip"))).toBe("archive");
  expect(await kindOf(new File(["MZ"], "viewer.exe"))).toBe("other");
  expect(await kindOf(new File([], "empty.dcm"))).toBe("other");
});

test("photographs, videos and PDFs, and what telephones alone can read", async () => {
  const starts: [string, string][] = [
    ["\xff\xd8\xff\xe0", "capture"],
    ["\x89PNG\r\n", "capture"],
    ["RIFF....WEBP", "capture"],
    ["%PDF-1.7", "capture"],
    ["....ftypisom", "capture"],
    ["....moov", "capture"],
    ["\x1a\x45\xdf\xa3", "capture"],
    ["....ftypheic", "heic"],
    ["....ftypavif", "heic"],
    ["<html>", "other"],
  ];
  for (const [start, kind] of starts) {
    const bytes = Uint8Array.from(start, (letter) => letter.charCodeAt(0));
    expect(await kindOf(new File([bytes], "photo.jpg")), start).toBe(kind);
  }
});

test("the index of a disc is none of the images, whatever it holds", async () => {
  expect(await kindOf(image("dicomdir"))).toBe("index");
});
