//! Commands and bodies parse as in the examples, and nothing else does.

use std::time::Duration;

use chat_core::{
    command::{Change, Command, Page, Write},
    error::ChatError,
    model::{Audience, ClientId, PrivacyChange},
};

use serde::de::DeserializeOwned;

use super::{
    example,
    samples::{ALAN, GRACE, LUNCH, PAIR, conversation, menu, seq, user},
};
use crate::{
    protocol::{
        ClientCommand, ClientName, Hello, Unreadable,
        conversations::{CreateConversation, SetMember, UpdateConversation},
        messages::{Edit, Receipts, Send},
        parse,
        poll::Poll,
        read::from_json,
        sessions::{LogIn, Refresh},
        users::{ChangePassword, Profile, Register},
        value::{Resume, RoleName},
    },
    secret::Secret,
};

pub(super) const NAMES: &[&str] = &[
    "accept_invite",
    "away",
    "edit",
    "hello",
    "history",
    "ping",
    "react",
    "receipt",
    "redact",
    "refresh",
    "send",
    "send-reply",
    "typing",
    "unwatch",
    "watch",
];

pub(super) const BODIES: &[&str] = &[
    "accept-invite",
    "change-password",
    "create-direct",
    "create-group",
    "create-invite",
    "edit",
    "log-in",
    "poll",
    "poll-without-resume",
    "profile",
    "receipts",
    "refresh",
    "register",
    "send",
    "send-attachments",
    "set-member",
    "update-conversation",
];

fn parsed(name: &str) -> (u64, ClientCommand) {
    parse(&example(&format!("command-{name}"))).unwrap()
}

fn write(id: &str, base: u64, change: Change) -> Write {
    Write {
        conversation: conversation(LUNCH),
        client_id: Some(ClientId::new(id).unwrap()),
        expected_seq: None,
        base_seq: Some(seq(base)),
        change,
    }
}

fn noon_write() -> Write {
    let change = Change::plain("Shall we eat at noon?", None);
    write("ada-7f3c01", 2, change)
}

fn one_write() -> Write {
    let change = Change::Edit { target_seq: seq(3), text: "Shall we eat at one?".into() };
    write("ada-7f3c02", 4, change)
}

#[test]
fn write_commands_match_their_examples() {
    let reply = Change::plain("Yes, the usual place.", Some(seq(3)));
    let reply = Write { expected_seq: Some(seq(4)), ..write("grace-51d2aa", 3, reply) };
    let redaction = Change::Redact { target_seq: seq(8) };
    let thumbs_up = Change::React { target_seq: seq(3), emoji: "👍".into(), on: true };
    for (name, id, expected) in [
        ("send", 2, noon_write()),
        ("send-reply", 3, reply),
        ("edit", 4, one_write()),
        ("redact", 6, write("alan-0b9e03", 9, redaction)),
        ("react", 5, write("grace-51d2ab", 5, thumbs_up)),
    ] {
        assert_eq!(parsed(name), (id, ClientCommand::Chat(Command::Write(expected))), "{name}");
    }
}

#[test]
fn body_with_attachments_matches_its_example() {
    let body: Send = from_json(example("body-send-attachments").as_bytes()).unwrap();
    let attachments = vec![menu().id];
    let change = Change::Text { text: "".into(), reply_to: None, attachments };
    let expected = Write { base_seq: None, ..write("ada-7f3c09", 0, change) };
    assert_eq!(body.into_command(conversation(LUNCH)), Command::Write(expected));
}

#[test]
fn other_commands_match_their_examples() {
    let at = conversation(LUNCH);
    let receipt = Command::Receipt {
        conversation: at,
        delivered_seq: Some(seq(13)),
        read_seq: Some(seq(12)),
    };
    let history = Command::History { conversation: at, page: Page::After(seq(0)), limit: 100 };
    for (name, expected) in [
        ("away", (11, ClientCommand::Away { on: true })),
        ("history", (12, ClientCommand::Chat(history))),
        ("ping", (14, ClientCommand::Ping)),
        ("receipt", (7, ClientCommand::Chat(receipt))),
        ("typing", (8, ClientCommand::Chat(Command::Typing { conversation: at, on: true }))),
        ("unwatch", (10, ClientCommand::Unwatch(vec![user(ALAN)]))),
        ("watch", (9, ClientCommand::Watch(vec![user(GRACE), user(ALAN)]))),
    ] {
        assert_eq!(parsed(name), expected, "{name}");
    }
}

#[test]
fn hello_and_refresh_match_their_examples_and_hide_tokens() {
    let start = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJleGFtcGxlIn0";
    let token = |signature: &str| Secret::new(format!("{start}.{signature}"));
    let hello = Hello {
        token: token("ZXhhbXBsZSBzaWduYXR1cmU"),
        resume: Some(Resume([(conversation(LUNCH), seq(13)), (conversation(PAIR), seq(3))].into())),
        client: Some(ClientName { name: Some("example".into()), version: Some("1.4.0".into()) }),
    };
    assert_eq!(parsed("hello"), (1, ClientCommand::Hello(hello)));
    let refresh = ClientCommand::Refresh { token: token("YW5vdGhlciBzaWduYXR1cmU") };
    assert_eq!(parsed("refresh"), (13, refresh));
    assert!(!format!("{:?}{:?}", parsed("hello"), parsed("refresh")).contains("eyJ"));
}

fn body<T: DeserializeOwned>(name: &str) -> T {
    from_json(example(&format!("body-{name}")).as_bytes()).unwrap()
}

#[test]
fn bodies_of_accounts_match_their_examples() {
    let register: Register = body("register");
    assert_eq!(register.username, "ada");
    assert_eq!(register.password.expose(), "an example password");
    assert_eq!(register.display_name.as_deref(), Some("Ada"));
    let log_in: LogIn = body("log-in");
    assert_eq!((log_in.username.as_str(), log_in.password), ("ada", register.password));
    assert_eq!(log_in.device.as_deref(), Some("Firefox on Linux"));
    let refresh: Refresh = body("refresh");
    let token = "ZXhhbXBsZSByZWZyZXNoIHRva2VuLCAzMiBieXRlcyE";
    assert_eq!(refresh.refresh_token.expose(), token);
    let profile = body::<Profile>("profile");
    assert_eq!(profile.display_name.as_deref(), Some("Ada"));
    let change = PrivacyChange::from(profile.privacy.unwrap());
    let expected =
        PrivacyChange { last_seen: Some(Audience::Contacts), ..PrivacyChange::default() };
    assert_eq!(change, expected);
    let change: ChangePassword = body("change-password");
    assert_eq!(change.old_password.expose(), "an example password");
    assert_eq!(change.new_password.expose(), "another example password");
}

#[test]
fn bodies_of_conversations_match_their_examples() {
    let create = |name| body::<CreateConversation>(name).into_command(|| Ok("key".into()));
    let grace = user(GRACE);
    assert_eq!(create("create-direct"), Ok(Command::OpenDirect { user: grace }));
    let (title, key) = ("Lunch".into(), "key".into());
    assert_eq!(
        create("create-group"),
        Ok(Command::CreateGroup { title, members: vec![grace], key })
    );
    assert_eq!(&*body::<UpdateConversation>("update-conversation").title, "Lunch club");
    assert_eq!(body::<SetMember>("set-member").role, Some(RoleName::Admin));
    let at = conversation(LUNCH);
    let sent = body::<Send>("send").into_command(at);
    assert_eq!(sent, Command::Write(noon_write()));
    assert_eq!(body::<Edit>("edit").into_command(at, seq(3)), Command::Write(one_write()));
    let receipt = Command::Receipt {
        conversation: at,
        delivered_seq: Some(seq(13)),
        read_seq: Some(seq(12)),
    };
    assert_eq!(body::<Receipts>("receipts").into_command(at), Ok(receipt));
}

#[test]
fn bodies_of_polls_match_their_examples() {
    let poll: Poll = body("poll");
    let wait_ms = poll.wait_ms();
    let resume = Resume([(conversation(LUNCH), seq(12)), (conversation(PAIR), seq(3))].into());
    assert_eq!((poll.resume, wait_ms), (Some(resume), Ok(25_000)));
    let poll: Poll = body("poll-without-resume");
    let default = chat_core::limits::POLL_WAIT_DEFAULT;
    assert_eq!(poll.wait_ms().map(Duration::from_millis), Ok(default));
    assert_eq!(poll.resume, None);
}

/// Returns the id and the field of a refused frame.
fn field(frame: &str) -> (Option<u64>, Option<String>) {
    match parse(frame) {
        Err(Unreadable { id, error: ChatError::Invalid { field, .. }, .. }) => (id, field),
        other => panic!("{frame}: {other:?}"),
    }
}

#[test]
fn refused_frame_names_the_field_and_keeps_its_id() {
    let of = |name: &str| (Some(1), Some(name.to_owned()));
    for (frame, expected) in [
        (r#"{"cmd":"ping","id":1,"extra":0}"#, of("extra")),
        (r#"{"id":1,"cmd":"dance"}"#, of("cmd")),
        (r#"{"id":1}"#, of("cmd")),
        (r#"{"cmd":7,"id":1}"#, of("cmd")),
        (r#"{"id":1,"cmd":"ping","cmd":"ping"}"#, of("cmd")),
        (r#"{"id":1,"cmd":"typing","conversation":5,"on":true}"#, of("conversation")),
        (r#"{"id":1,"cmd":"typing","conversation":"05","on":true}"#, of("conversation")),
        (r#"{"id":1,"cmd":"typing","conversation":"5","on":"yes"}"#, of("on")),
        (r#"{"id":1,"cmd":"typing","conversation":"5"}"#, of("on")),
        (
            r#"{"id":1,"cmd":"send","conversation":"5","text":"x","client_id":"a b"}"#,
            of("client_id"),
        ),
        (r#"{"id":1,"cmd":"send","conversation":"5","text":1,"client_id":"a"}"#, of("text")),
        (r#"{"id":1,"cmd":"send","conversation":"5","text":"\ud800","client_id":"a"}"#, of("text")),
        (
            r#"{"id":1,"cmd":"send","conversation":"5","text":"x","client_id":"a","seq":1}"#,
            of("seq"),
        ),
        (r#"{"id":1,"cmd":"redact","conversation":"5","seq":9007199254740992}"#, of("seq")),
        (r#"{"id":1,"cmd":"redact","conversation":"5","seq":-1}"#, of("seq")),
        (r#"{"id":1,"cmd":"redact","conversation":"5","seq":1.0}"#, of("seq")),
        (r#"{"id":1,"cmd":"history","conversation":"5","limit":0}"#, of("limit")),
        (r#"{"id":1,"cmd":"history","conversation":"5","limit":101}"#, of("limit")),
        (
            r#"{"id":1,"cmd":"history","conversation":"5","before_seq":1,"after_seq":1}"#,
            of("after_seq"),
        ),
        (r#"{"id":1,"cmd":"receipt","conversation":"5"}"#, of("read_seq")),
        (r#"{"id":1,"cmd":"hello","token":"x","resume":{"5":1,"5":1}}"#, of("resume")),
        (r#"{"id":1,"cmd":"hello","token":"x","resume":{"x":1}}"#, of("resume")),
        (r#"{"id":1,"cmd":"hello","token":"x","client":{"os":"x"}}"#, of("client")),
        (r#"{"id":1,"cmd":"hello","token":"x","client":["x","1"]}"#, of("client")),
        (r#"{"id":1,"cmd":"hello","token":null}"#, of("token")),
        (r#"{"id":1,"cmd":"redact","conversation":"5"}"#, of("seq")),
        (r#"{"id":1,"cmd":"watch","users":["5",6]}"#, of("users")),
    ] {
        assert_eq!(field(frame), expected, "{frame}");
    }
}

#[test]
fn refused_frame_has_no_id_when_its_id_is_invalid() {
    let id = Some("id".to_owned());
    for (frame, expected) in [
        ("", None),
        ("7", None),
        ("[]", None),
        ("{", None),
        ("{}", id.clone()),
        (r#"{"id":"1"}"#, id.clone()),
        (r#"{"id":-1}"#, id.clone()),
        (r#"{"id":1.5}"#, id.clone()),
        (r#"{"id":null}"#, id.clone()),
        (r#"{"id":9007199254740992}"#, id.clone()),
        (r#"{"id":1,"id":1,"cmd":"ping"}"#, id.clone()),
    ] {
        assert_eq!(field(frame), (None, expected), "{frame}");
    }
    assert_eq!(parse(r#"{"id":9007199254740991,"cmd":"ping"}"#).unwrap().0, (1 << 53) - 1);
}

#[test]
fn null_equals_leaving_out_in_a_command() {
    let frame =
        r#"{"id":1,"cmd":"redact","conversation":"5","seq":2,"client_id":null,"base_seq":null}"#;
    let Ok((1, ClientCommand::Chat(Command::Write(write)))) = parse(frame) else {
        panic!("expected a redaction");
    };
    assert_eq!((write.client_id, write.base_seq), (None, None));
}

#[test]
fn watch_is_too_large_when_it_names_257_users() {
    let users: Vec<String> = (1..=257).map(|id| format!("\"{id}\"")).collect();
    let frame = format!(r#"{{"id":1,"cmd":"watch","users":[{}]}}"#, users.join(","));
    let error = ChatError::TooLarge { field: "users", max: 256 };
    assert_eq!(parse(&frame), Err(Unreadable { id: Some(1), conversation: None, error }));
}

#[test]
fn member_of_a_conversation_is_unknown_when_its_kind_has_no_such_member() {
    for (json, field, message) in [
        (r#"{"kind":"direct","user":"5","title":"x"}"#, "title", "unknown field"),
        (r#"{"kind":"direct","user":"5","members":[]}"#, "members", "unknown field"),
        (r#"{"kind":"group","user":"5","title":"x"}"#, "user", "unknown field"),
        (r#"{"kind":"direct"}"#, "user", "required"),
        (r#"{"kind":"group"}"#, "title", "required"),
    ] {
        let body: CreateConversation = from_json(json.as_bytes()).unwrap();
        let error = ChatError::invalid(field, message);
        assert_eq!(body.into_command(|| Ok("key".into())), Err(error), "{json}");
    }
}

#[test]
fn refused_frame_keeps_its_conversation_when_that_is_valid() {
    let of = |frame: &str| parse(frame).unwrap_err().conversation;
    let lunch = conversation(LUNCH);
    for wrong in ["\"client_id\":\"a\"", "\"text\":5", "\"extra\":1", "\"cmd\":\"dance\""] {
        let frame = format!(r#"{{"id":1,"cmd":"send","conversation":"{lunch}",{wrong}}}"#);
        assert_eq!(of(&frame), Some(lunch), "{wrong}");
    }
    assert_eq!(of(r#"{"id":1,"cmd":"send","conversation":5}"#), None);
}
