import { describe, expect, it } from "vitest";
import { ConfabError, Unreachable } from "../../sdk/index";
import { directRefusal, groupRefusal, passwordErrors, sendRefusal } from "../../src/logic/more_refusals";
import { errorText } from "../../src/logic/refusals";
import { unmarked } from "../../src/text/sentence";

const refused = (code: string, details: Record<string, unknown> = {}, message = "only the sender edits a message") =>
  new ConfabError({ code, message, retryable: false, details });

describe("texts of refusals", () => {
  it("error without words of its own becomes a sentence", () => {
    expect(errorText(refused("forbidden"))).toBe("Only the sender edits a message.");
    expect(errorText("Is it?")).toBe("Is it?");
    expect(errorText(new Unreachable("fetch failed"))).toContain("cannot be reached");
  });

  it("direct conversation that is refused names the person and the reason", () => {
    const text = (error: unknown) => unmarked(directRefusal(error, "Grace"));
    expect(text(refused("forbidden", { reason: "privacy" }))).toBe("Grace does not accept messages from you.");
    expect(text(refused("forbidden", { reason: "blocked" }))).toBe("Grace does not accept messages from you.");
    expect(text(refused("conflict", { max: 20 }))).toContain("20 of your requests");
    expect(text(refused("conflict"))).toBe("Only the sender edits a message.");
    expect(text(new Unreachable(""))).toContain("cannot be reached");
  });

  it("message that is refused names the person who has ruled it out", () => {
    expect(unmarked(sendRefusal(refused("forbidden", { reason: "privacy" }), "Grace"))).toBe("Grace does not accept messages from you.");
    expect(sendRefusal(refused("forbidden"), "Grace")).toBe("Only the sender edits a message.");
  });

  it("addition to a group that is refused names the person when there is only one", () => {
    const privacy = refused("forbidden", { reason: "privacy" });
    expect(unmarked(groupRefusal(privacy, "Grace"))).toBe("Grace does not let you add them to groups.");
    expect(groupRefusal(privacy, undefined)).toBe("One of these people does not let you add them to groups.");
    expect(groupRefusal(refused("forbidden"), "Grace")).toBe("Only the sender edits a message.");
  });

  it("password error is about its field", () => {
    const weak = refused("invalid", { field: "new_password" });
    expect(passwordErrors(weak, "password123")).toEqual({ new_password: "This password is easy to guess. Choose another one." });
    expect(passwordErrors(weak, "öäüß")).toEqual({ new_password: "This password is easy to guess. Choose another one." });
    expect(passwordErrors(weak, "short")).toEqual({ new_password: "A password has at least 8 characters." });
    expect(passwordErrors(refused("forbidden", { field: "old_password" }), "x")).toEqual({
      old_password: "This is not your current password.",
    });
    expect(passwordErrors(refused("rate_limited"), "x").form).toContain("Too many attempts");
    expect(passwordErrors(new Unreachable(""), "x").form).toContain("cannot be reached");
  });
});
