import { expect, it } from "vitest";
import { isNamed } from "../../src/logic/people";

it.each([
  ["", true],
  ["ays", true],
  ["  OZTURK ", true],
  ["öztürk", true],
  ["ayşe o", true],
  ["@ayse_99", true],
  ["turk", false],
  ["grace", false],
])("query %j finds the person: %s", (query, isFound) => {
  expect(isNamed({ id: "7", username: "ayse_99", display_name: "Ayşe Öztürk" }, query)).toBe(isFound);
});

it("person who is not loaded yet is found only without a query", () => {
  expect([isNamed(undefined, ""), isNamed(undefined, "a"), isNamed({ id: "7", username: "ada" }, "ad")]).toEqual([true, false, true]);
});
