import { expect, it } from "vitest";
import { ConfabError, Unreachable } from "../../sdk/index";
import { duration, inviteRefusal } from "../../src/components/invites/words";

const refused = (code: string) => new ConfabError({ code, message: "no", retryable: false });

it("durations are whole hours or days", () => {
  expect([3_600, 86_400, 7 * 86_400].map(duration)).toEqual(["1 hour", "1 day", "7 days"]);
});

it("an invite that leads nowhere, a full group and a lost connection have words of their own", () => {
  expect(inviteRefusal(refused("not_found"))).toMatch(/has ended/);
  expect(inviteRefusal(refused("conflict"))).toMatch(/full/);
  expect(inviteRefusal(new Unreachable("no"))).toMatch(/cannot be reached/);
});
