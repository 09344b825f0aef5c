//! Invites are read and written as in the examples.

use chat_core::{
    command::{Command, InvitePreview, Reply},
    error::ChatError,
    event::Event,
    model::{ClientId, Invite, InviteCode, Role},
};

use super::{compact, events::assert_encoded, example, json, samples::*};
use crate::protocol::{
    ClientCommand,
    invites::{AcceptInvite, CreateInvite, InviteJson, InvitePreviewJson},
    list::Items,
    parse,
    read::from_json,
    reply,
};

const CODE: &str = "4Zq8LkT0bXw";

fn invite(used: u32) -> Invite {
    Invite {
        code: CODE.parse().unwrap(),
        conversation: conversation(LUNCH),
        created_by: user(ADA),
        created_at: at("2026-03-14T09:31:02.120Z"),
        expires_at: at("2026-03-15T09:31:02.120Z"),
        max_uses: Some(50),
        used,
        is_ended: false,
    }
}

#[test]
fn invites_match_their_examples() {
    let public_url = "https://chat.example.org/".parse().ok();
    let shown = |used| InviteJson::new(&invite(used), public_url.as_ref());
    assert_eq!(json(&shown(0)), compact("answer-invite"));
    assert_eq!(json(&Items { items: vec![shown(1)] }), compact("answer-invites"));
    let title = Some("Lunch".into());
    let preview = InvitePreview { invite: invite(1), title, member_count: 2 };
    assert_eq!(json(&InvitePreviewJson::from(&preview)), compact("answer-invite-preview"));
    let unlimited = Invite { max_uses: None, ..invite(7) };
    let path = json(&InviteJson::new(&unlimited, None));
    assert!(path.contains(r#""url":"/i/4Zq8LkT0bXw","uses_left":null,"max_uses":null,"#), "{path}");
}

#[test]
fn bodies_and_the_command_of_invites_match_their_examples() {
    let create: CreateInvite = from_json(example("body-create-invite").as_bytes()).unwrap();
    assert_eq!(create.max_uses(), Some(50));
    assert_eq!(create.expires_in().map(|life| life.as_secs()), Some(86_400));
    let large: CreateInvite = from_json(br#"{"max_uses":4294967296}"#).unwrap();
    assert_eq!(large.max_uses(), Some(u32::MAX), "refused later");

    let code: InviteCode = CODE.parse().unwrap();
    let client_id = ClientId::new("alan-5c20d7").ok();
    let command = Command::AcceptInvite { code, client_id };
    let body: AcceptInvite = from_json(example("body-accept-invite").as_bytes()).unwrap();
    assert_eq!(body.into_command(code), command);
    let read = parse(&example("command-accept_invite")).unwrap();
    assert_eq!(read, (17, ClientCommand::Chat(command)));
    let mut view = lunch(14, cursor(0, 0), Role::Member, 3);
    view.last_message = None;
    let reply = reply(17, &Reply::Conversation(Box::new(view)));
    assert_eq!(reply, compact("reply-accept_invite"));
}

#[test]
fn text_that_cannot_be_a_code_is_not_found() {
    for code in ["", "4Zq8LkT0bX", "4Zq8LkT0bXw1", "zzzzzzzzzzz", "4Zq8LkT0bX-", "../../v1/me"] {
        let frame = format!(r#"{{"id":1,"cmd":"accept_invite","code":"{code}"}}"#);
        assert_eq!(parse(&frame).unwrap_err().error, ChatError::NotFound("invite"), "{code}");
    }
    let frame = r#"{"id":1,"cmd":"accept_invite","code":7}"#;
    assert!(matches!(parse(frame).unwrap_err().error, ChatError::Invalid { .. }));
}

#[test]
fn joining_by_an_invite_matches_its_example() {
    let event = Event::Message(joined_by_invite());
    assert_encoded(&event, "event-message-joined-by-invite");
}
