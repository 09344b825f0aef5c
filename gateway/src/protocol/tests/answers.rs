//! Answers of REST and replies of the WebSocket are encoded as in the examples.

use chat_core::{
    attachments::AttachmentRules,
    command::{FoundMessage, Reply, Totals, Written},
    error::ChatError,
    event::{Encode, Event},
    model::{Audience, Login, LoginSecret, Privacy, Role},
    search::Query,
};

use super::{compact, json, samples::*};
use crate::{
    frame::text_of,
    protocol::{
        Empty, JsonEncode,
        attachments::{AttachmentJson, FileLinkJson},
        conversations::{ConversationJson, ConversationsPage, MemberJson},
        hello::{Limits, RateLimits, Welcome},
        list::{Items, Paged},
        messages::{History, Sent},
        poll::Polled,
        reply, reply_error, reply_ok,
        search::{FoundJson, FoundPage},
        sessions::{LoginJson, Refreshed, SessionJson, TokenReplaced},
        users::{LoggedIn, MeJson, PresenceJson, StatusName, UserJson, Watched},
        value::{Cursors, Id, Time},
    },
};

pub(super) const NAMES: &[&str] = &[
    "attachment",
    "blocks",
    "conversation-direct",
    "conversation-group",
    "conversations",
    "file-link",
    "history",
    "invite",
    "invite-preview",
    "invites",
    "logged-in",
    "me",
    "member",
    "members",
    "poll",
    "presence",
    "refreshed",
    "registered",
    "search",
    "sent",
    "sessions",
    "users",
];

pub(super) const REPLIES: &[&str] = &[
    "accept_invite",
    "away",
    "edit",
    "error",
    "error-null",
    "hello",
    "history",
    "ping",
    "react",
    "receipt",
    "redact",
    "refresh",
    "send",
    "typing",
    "unwatch",
    "watch",
];

fn session(id: u64, signature: &str, refresh_token: &str) -> SessionJson {
    let start = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJleGFtcGxlIn0";
    SessionJson {
        id: Id(login(id)),
        access_token: format!("{start}.{signature}"),
        expires_in: 600,
        refresh_token: refresh_token.to_owned(),
    }
}

#[test]
fn users_and_new_logins_match_their_examples() {
    let ada = person(ADA);
    let logged_in = |id| {
        let user = UserJson::from(&ada);
        let refresh_token = "ZXhhbXBsZSByZWZyZXNoIHRva2VuLCAzMiBieXRlcyE";
        LoggedIn { user, session: session(id, "ZXhhbXBsZSBzaWduYXR1cmU", refresh_token) }
    };
    assert_eq!(json(&logged_in(FIRST_LOGIN)), compact("answer-registered"));
    assert_eq!(json(&logged_in(FIREFOX)), compact("answer-logged-in"));
    let refresh_token = "YW5vdGhlciByZWZyZXNoIHRva2VuLCAzMiBieXRlcyE";
    let session = session(FIREFOX, "YW5vdGhlciBzaWduYXR1cmU", refresh_token);
    assert_eq!(json(&Refreshed { session }), compact("answer-refreshed"));
    let privacy = Privacy { last_seen: Audience::Contacts, ..Privacy::default() };
    let me = MeJson { user: UserJson::from(&ada), privacy: privacy.into() };
    assert_eq!(json(&me), compact("answer-me"));
    let blocked = Items { items: vec![Id(user(ALAN))] };
    assert_eq!(json(&blocked), compact("answer-blocks"));
    let found = [person(ALAN), person(GRACE)];
    let items = found.iter().map(UserJson::from).collect();
    assert_eq!(json(&Items { items }), compact("answer-users"));
}

#[test]
fn list_of_logins_matches_its_example() {
    let one = |id, device: Option<&str>, created, used, expires| Login {
        id: login(id),
        user: user(ADA),
        device: device.map(Into::into),
        created_at: at(created),
        used_at: at(used),
        expires_at: at(expires),
        current: LoginSecret([0; 32]),
        previous: None,
    };
    let logins = [
        one(
            FIREFOX,
            Some("Firefox on Linux"),
            "2026-03-14T09:00:00.120Z",
            "2026-03-14T09:50:02.618Z",
            "2026-04-13T09:50:02.618Z",
        ),
        one(
            FIRST_LOGIN,
            None,
            "2026-03-02T08:10:11.204Z",
            "2026-03-13T21:47:19.330Z",
            "2026-04-12T21:47:19.330Z",
        ),
    ];
    let items = logins.iter().map(|one| LoginJson::new(one, login(FIREFOX))).collect();
    assert_eq!(json(&Items { items }), compact("answer-sessions"));
}

#[test]
fn conversations_and_members_match_their_examples() {
    let pair_made = pair(2, cursor(0, 0));
    assert_eq!(json(&ConversationJson::from(&pair_made)), compact("answer-conversation-direct"));
    let group_made = lunch(2, cursor(0, 0), Role::Owner, 2);
    assert_eq!(json(&ConversationJson::from(&group_made)), compact("answer-conversation-group"));

    let mut group = lunch(6, cursor(4, 3), Role::Owner, 2);
    (group.unread, group.last_message) = (1, Some(usual()));
    let mut direct = pair(3, cursor(2, 2));
    (direct.unread, direct.last_message) = (1, Some(morning()));
    let items = vec![ConversationJson::from(&group), ConversationJson::from(&direct)];
    let totals = Totals { unread_conversations: 2, requests: 0 }.into();
    let page = ConversationsPage { items, next_cursor: None, totals };
    assert_eq!(json(&page), compact("answer-conversations"));

    let grace = member(GRACE, Role::Admin, 1, cursor(12, 11));
    assert_eq!(json(&MemberJson::from(&grace)), compact("answer-member"));
    let ada = member(ADA, Role::Owner, 1, cursor(12, 12));
    let alan = member(ALAN, Role::Member, 7, cursor(12, 10));
    let items = [ada, grace, alan].iter().map(MemberJson::from).collect();
    assert_eq!(json(&Paged { items, next_cursor: None }), compact("answer-members"));
}

#[test]
fn sent_and_history_match_their_examples() {
    let sent = Written { entry: noon(), replayed: false };
    assert_eq!(json(&Sent::from(&sent)), compact("answer-sent"));
    let page = page();
    assert_eq!(json(&History::new(&page, seq(13))), compact("answer-history"));
}

#[test]
fn answer_to_a_search_matches_its_example() {
    let highlights = Query::parse("noon").unwrap().find("Shall we eat at noon?").unwrap();
    let found = FoundMessage { entry: noon(), highlights };
    let page = FoundPage { items: vec![FoundJson::from(&found)], next_cursor: None };
    assert_eq!(json(&page), compact("answer-search"));
}

#[test]
fn attachment_matches_its_example() {
    assert_eq!(json(&AttachmentJson::from(&menu())), compact("answer-attachment"));
}

#[test]
fn link_to_a_file_matches_its_example() {
    let expires_at = Time(at("2026-03-14T10:03:12.618Z"));
    let url = "/v1/files/ZXhhbXBsZSBvZiBhIGxpbmssIHdoaWNoIGlzIGxvbmdlcg".to_owned();
    assert_eq!(json(&FileLinkJson { url, expires_at }), compact("answer-file-link"));
}

#[test]
fn answer_to_a_poll_matches_its_example() {
    let events = [
        Event::Message(left()),
        Event::Receipt {
            conversation: conversation(LUNCH),
            user: user(GRACE),
            cursor: cursor(13, 12),
        },
    ];
    let resume = [(conversation(LUNCH), seq(13)), (conversation(PAIR), seq(3))];
    let encoded: Vec<_> = events.iter().map(|event| JsonEncode.encode(event)).collect();
    let events =
        encoded.iter().map(|event| serde_json::from_slice(text_of(event)).unwrap()).collect();
    let polled = Polled { events, resume: Cursors(&resume) };
    assert_eq!(json(&polled), compact("answer-poll"));
}

fn presences() -> Vec<PresenceJson> {
    let offline = StatusName::Offline;
    let last_seen_at = Some(Time(at("2026-03-14T08:58:31.950Z")));
    vec![
        PresenceJson { user: Id(user(GRACE)), status: StatusName::Online, last_seen_at: None },
        PresenceJson { user: Id(user(ALAN)), status: offline, last_seen_at },
    ]
}

#[test]
fn presence_matches_its_examples() {
    assert_eq!(json(&Items { items: presences() }), compact("answer-presence"));
    assert_eq!(reply_ok(9, &Watched { presence: presences() }), compact("reply-watch"));
}

#[test]
fn reply_to_hello_matches_its_example() {
    let resume = [(conversation(LUNCH), seq(13)), (conversation(PAIR), seq(4))];
    let welcome = Welcome {
        user: Id(user(ADA)),
        session: Id(login(FIREFOX)),
        heartbeat_ms: 25_000,
        limits: Limits::new(
            Some(RateLimits { messages_per_second: 20, burst: 100 }),
            AttachmentRules::default(),
        ),
        server_time: Time(at("2026-03-14T10:00:00.250Z")),
        resume: Cursors(&resume),
    };
    assert_eq!(reply_ok(1, &welcome), compact("reply-hello"));
}

#[test]
fn replies_to_commands_match_their_examples() {
    let written = |entry| Reply::Written(Written { entry, replayed: false });
    for (re, answer, name) in [
        (2, written(noon()), "send"),
        (4, written(edited()), "edit"),
        (6, written(redacted()), "redact"),
        (5, written(reaction()), "react"),
        (7, Reply::Done, "receipt"),
        (8, Reply::Done, "typing"),
        (12, Reply::History { items: page(), head_seq: seq(13) }, "history"),
    ] {
        assert_eq!(reply(re, &answer), compact(&format!("reply-{name}")), "{name}");
    }
    for (re, name) in [(11, "away"), (14, "ping"), (10, "unwatch")] {
        assert_eq!(reply_ok(re, &Empty {}), compact(&format!("reply-{name}")), "{name}");
    }
    assert_eq!(reply_ok(13, &TokenReplaced { expires_in: 600 }), compact("reply-refresh"));
}

#[test]
fn error_replies_match_their_examples() {
    let moved = ChatError::HeadMoved { head_seq: seq(13) };
    let written = reply_error(Some(15), &moved)
        .replace(&moved.to_string(), "expected_seq is not the next seq");
    assert_eq!(written, compact("reply-error"));
    let unreadable = crate::protocol::parse(r#"{"cmd":"ping"}"#).unwrap_err();
    assert_eq!(unreadable.id, None);
    assert_eq!(reply_error(None, &unreadable.error), compact("reply-error-null"));
}
