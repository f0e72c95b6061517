import { expect, test } from "vitest";
import { image } from "./fake_server";
import { kindOf } from "./sorting";

test("what a file is, by its first bytes", async () => {
  expect(await kindOf(image("IM1"))).toBe("image");
  expect(await kindOf(new File(["PK\x03\x04..."], "disc.zip"))).toBe("archive");
  expect(await kindOf(new File(["MZ"], "viewer.exe"))).toBe("other");
  expect(await kindOf(new File([], "empty.dcm"))).toBe("other");
});

test("the index of a disc is none of the images, whatever it holds", async () => {
  expect(await kindOf(image("dicomdir"))).toBe("index");
});
