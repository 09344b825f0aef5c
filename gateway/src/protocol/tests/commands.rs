//! What clients send parses as in the examples, and nothing else does.

use std::time::Duration;

use chat_core::{
    command::{Change, Command, Page, Write},
    error::ChatError,
    model::{ClientId, Role},
};

use super::{
    example,
    samples::{ALAN, GRACE, LUNCH, PAIR, conversation, seq, user},
};
use crate::{
    protocol::{
        ClientCommand, ClientName, Hello, Unreadable,
        body::{
            CreateConversation, Edit, LogIn, Poll, Profile, Receipts, Refresh, Register, Send,
            SetMember, UpdateConversation,
        },
        fields::Shape,
        parse,
    },
    secret::Secret,
};

pub(super) const NAMES: &[&str] = &[
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
    "create-direct",
    "create-group",
    "edit",
    "log-in",
    "poll",
    "poll-without-resume",
    "profile",
    "receipts",
    "refresh",
    "register",
    "send",
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
    let change = Change::Text { text: "Shall we eat at noon?".into(), reply_to: None };
    write("ada-7f3c01", 2, change)
}

fn one_write() -> Write {
    let change = Change::Edit { target_seq: seq(3), text: "Shall we eat at one?".into() };
    write("ada-7f3c02", 4, change)
}

#[test]
fn commands_that_write_parse_as_in_their_examples() {
    let reply = Change::Text { text: "Yes, the usual place.".into(), reply_to: Some(seq(3)) };
    let reply = Write { expected_seq: Some(seq(4)), ..write("grace-51d2aa", 3, reply) };
    let taken_away = Change::Redact { target_seq: seq(8) };
    let reaction = Change::React { target_seq: seq(3), emoji: "👍".into(), on: true };
    for (name, id, expected) in [
        ("send", 2, noon_write()),
        ("send-reply", 3, reply),
        ("edit", 4, one_write()),
        ("redact", 6, write("alan-0b9e03", 9, taken_away)),
        ("react", 5, write("grace-51d2ab", 5, reaction)),
    ] {
        assert_eq!(parsed(name), (id, ClientCommand::Chat(Command::Write(expected))), "{name}");
    }
}

#[test]
fn other_commands_parse_as_in_their_examples() {
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
fn hello_and_refresh_parse_as_in_their_examples_and_hide_their_tokens() {
    let start = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJleGFtcGxlIn0";
    let token = |signature: &str| Secret::new(format!("{start}.{signature}"));
    let hello = Hello {
        token: token("ZXhhbXBsZSBzaWduYXR1cmU"),
        resume: Some([(conversation(LUNCH), seq(13)), (conversation(PAIR), seq(3))].into()),
        client: Some(ClientName { name: Some("example".into()), version: Some("1.4.0".into()) }),
    };
    assert_eq!(parsed("hello"), (1, ClientCommand::Hello(hello)));
    let refresh = ClientCommand::Refresh { token: token("YW5vdGhlciBzaWduYXR1cmU") };
    assert_eq!(parsed("refresh"), (13, refresh));
    assert!(!format!("{:?}{:?}", parsed("hello"), parsed("refresh")).contains("eyJ"));
}

fn body<T: Shape>(name: &str) -> T {
    T::parse(example(&format!("body-{name}")).as_bytes()).unwrap()
}

#[test]
fn bodies_of_accounts_parse_as_in_their_examples() {
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
    assert_eq!(body::<Profile>("profile").display_name, "Ada");
}

#[test]
fn bodies_of_conversations_parse_as_in_their_examples() {
    let direct = body("create-direct");
    assert!(matches!(direct, CreateConversation::Direct { user: other } if other == user(GRACE)));
    let CreateConversation::Group { title, members } = body("create-group") else {
        panic!("a group");
    };
    assert_eq!((&*title, members), ("Lunch", vec![user(GRACE)]));
    assert_eq!(&*body::<UpdateConversation>("update-conversation").title, "Lunch club");
    assert_eq!(body::<SetMember>("set-member").role, Some(Role::Admin));
    let at = conversation(LUNCH);
    let sent = body::<Send>("send").into_command(at);
    assert_eq!(sent, Command::Write(noon_write()));
    assert_eq!(body::<Edit>("edit").into_command(at, seq(3)), Command::Write(one_write()));
    let receipts: Receipts = body("receipts");
    assert_eq!((receipts.delivered_seq, receipts.read_seq), (Some(seq(13)), Some(seq(12))));
}

#[test]
fn bodies_of_polls_parse_as_in_their_examples() {
    let poll: Poll = body("poll");
    let resume = [(conversation(LUNCH), seq(12)), (conversation(PAIR), seq(3))].into();
    assert_eq!((poll.resume, poll.wait_ms), (Some(resume), 25_000));
    let poll: Poll = body("poll-without-resume");
    let default = chat_core::limits::POLL_WAIT_DEFAULT;
    assert_eq!((poll.resume, Duration::from_millis(poll.wait_ms)), (None, default));
}

/// The field that a refusal names.
fn field(frame: &str) -> (Option<u64>, Option<String>) {
    match parse(frame) {
        Err(Unreadable { id, error: ChatError::Invalid { field, .. }, .. }) => (id, field),
        other => panic!("{frame}: {other:?}"),
    }
}

#[test]
fn refused_frame_names_its_field_and_keeps_its_id() {
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
        (r#"{"id":1,"cmd":"watch","users":["5",6]}"#, of("users")),
    ] {
        assert_eq!(field(frame), expected, "{frame}");
    }
}

#[test]
fn frame_without_a_usable_id_is_answered_to_nobody() {
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
fn null_is_the_same_as_leaving_out() {
    let frame =
        r#"{"id":1,"cmd":"redact","conversation":"5","seq":2,"client_id":null,"base_seq":null}"#;
    let Ok((1, ClientCommand::Chat(Command::Write(write)))) = parse(frame) else {
        panic!("a redaction");
    };
    assert_eq!((write.client_id, write.base_seq), (None, None));
}

#[test]
fn watch_of_too_many_is_too_large() {
    let users: Vec<String> = (1..=257).map(|id| format!("\"{id}\"")).collect();
    let frame = format!(r#"{{"id":1,"cmd":"watch","users":[{}]}}"#, users.join(","));
    let error = ChatError::TooLarge { field: "users", max: 256 };
    assert_eq!(parse(&frame), Err(Unreadable { id: Some(1), conversation: None, error }));
}

#[test]
fn members_of_another_kind_of_conversation_are_unknown() {
    let refused = CreateConversation::parse(br#"{"kind":"direct","user":"5","title":"x"}"#);
    assert!(
        matches!(refused, Err(ChatError::Invalid { field: Some(name), .. }) if name == "title")
    );
}

#[test]
fn refused_frame_keeps_the_conversation_that_it_names() {
    let of = |frame: &str| parse(frame).unwrap_err().conversation;
    let lunch = conversation(LUNCH);
    for wrong in ["\"client_id\":\"a\"", "\"text\":5", "\"extra\":1", "\"cmd\":\"dance\""] {
        let frame = format!(r#"{{"id":1,"cmd":"send","conversation":"{lunch}",{wrong}}}"#);
        assert_eq!(of(&frame), Some(lunch), "{wrong}");
    }
    assert_eq!(of(r#"{"id":1,"cmd":"send","conversation":5}"#), None);
}
