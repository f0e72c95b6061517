import { expect, test } from "vitest";
import { Company, standing } from "./standing";

const ME = { id: "me", name: "Dr Minh", follows: true };
const OTHER = { id: "other", name: "Dr Tremblay", follows: true };

function company(people: object[], presenter?: string): Company {
  const made = new Company();
  made.me = "me";
  made.take({ people: people as never, presenter });
  return made;
}

test.each([
  ["nobody else is there", company([ME]), true, null],
  ["somebody else is", company([ME, OTHER]), true, ["here", "Dr Tremblay", null]],
  ["in two windows", company([ME, OTHER, { ...OTHER, id: "again" }]), true, ["here", "Dr Tremblay", null]],
  ["we present to nobody", company([ME], "me"), true, ["alone", "", null]],
  ["we present to somebody", company([ME, OTHER], "me"), true, ["shown", "Dr Tremblay", null]],
  ["who let go", company([ME, { ...OTHER, follows: false }], "me"), true, ["astray", "Dr Tremblay", null]],
  ["we follow", company([ME, OTHER], "other"), true, ["follows", "Dr Tremblay", "release"]],
  ["we let go", company([ME, OTHER], "other"), false, ["free", "Dr Tremblay", "follow"]],
])("%s", (_title, there, follows, expected) => {
  const said = standing(there, follows);
  expect(said && [said.word, said.name, said.act]).toEqual(expected);
});

test("another presenter is news, the same one is none", () => {
  const there = company([ME, OTHER]);
  expect(there.take({ people: [ME, OTHER], presenter: "other" })).toBe(true);
  expect(there.guide?.name).toBe("Dr Tremblay");
  expect(there.take({ people: [ME, OTHER], presenter: "other" })).toBe(false);
  expect(there.take({ people: [ME, OTHER], presenter: "me" })).toBe(true);
  expect([there.presents, there.guide]).toEqual([true, undefined]);
  there.forget();
  expect([there.presents, there.others]).toEqual([false, []]);
});
