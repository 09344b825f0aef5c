//! The users, conversations and entries of the examples.

use chat_core::{
    command::{ConversationView, MemberView},
    id::{AttachmentId, ConversationId, EntryId, LoginId, UserId},
    model::{
        Attachment, Body, ClientId, Cursor, Details, Entry, Joining, Kind, MediaType, Member,
        MembershipState, Role, Seq, User, Username,
    },
    time::Timestamp,
    view::{EntryView, ReactionView},
};

pub(super) const ADA: u64 = 286_772_161_220_186_112;
pub(super) const GRACE: u64 = 286_777_570_668_584_960;
pub(super) const ALAN: u64 = 289_442_732_718_436_352;
pub(super) const LUNCH: u64 = 291_139_937_883_918_336;
pub(super) const PAIR: u64 = 291_138_396_162_629_632;
pub(super) const FIREFOX: u64 = 291_133_352_029_720_579;
pub(super) const FIRST_LOGIN: u64 = 286_772_161_220_186_113;

pub(super) fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

pub(super) fn conversation(id: u64) -> ConversationId {
    ConversationId::new(id).unwrap()
}

pub(super) fn login(id: u64) -> LoginId {
    LoginId::new(id).unwrap()
}

pub(super) const fn seq(value: u64) -> Seq {
    Seq::new(value)
}

/// Parses what `Timestamp`'s `Display` writes, for dates in March and April 2026.
pub(super) fn at(text: &str) -> Timestamp {
    const MARCH_1: i64 = 1_772_323_200_000;
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().unwrap();
    let days = number(8, 10) - 1 + if number(5, 7) == 4 { 31 } else { 0 };
    let minutes = days * 1_440 + number(11, 13) * 60 + number(14, 16);
    let at = Timestamp::from_millis(
        MARCH_1 + minutes * 60_000 + number(17, 19) * 1_000 + number(20, 23),
    );
    assert_eq!(at.to_string(), text);
    at
}

pub(super) fn person(id: u64) -> User {
    let (name, display_name, created_at) = match id {
        ADA => ("ada", "Ada", "2026-03-02T08:10:11.204Z"),
        GRACE => ("grace", "Grace", "2026-03-02T08:31:40.917Z"),
        _ => ("alan", "alan", "2026-03-09T17:02:05.066Z"),
    };
    User {
        id: user(id),
        username: Username::new(name).unwrap(),
        display_name: display_name.into(),
        created_at: at(created_at),
    }
}

pub(super) fn cursor(delivered: u64, read: u64) -> Cursor {
    Cursor { delivered_seq: seq(delivered), read_seq: seq(read), read_ord: 0 }
}

pub(super) fn member(id: u64, role: Role, joined: u64, cursor: Cursor) -> MemberView {
    MemberView {
        member: Member {
            user: user(id),
            role,
            needs_consent: false,
            joined_seq: seq(joined),
            joined_ord: 0,
        },
        cursor,
    }
}

pub(super) fn lunch(head: u64, read: Cursor, role: Role, member_count: u32) -> ConversationView {
    ConversationView {
        id: conversation(LUNCH),
        kind: Kind::Group,
        title: Some("Lunch".into()),
        head_seq: seq(head),
        active_at: at("2026-03-14T09:26:10.310Z"),
        unread: 0,
        last_message: None,
        cursor: read,
        role,
        state: MembershipState::Open,
        member_count,
        peer: None,
    }
}

pub(super) fn pair(head: u64, read: Cursor) -> ConversationView {
    ConversationView {
        id: conversation(PAIR),
        kind: Kind::Direct,
        title: None,
        peer: Some(person(GRACE)),
        ..lunch(head, read, Role::Member, 2)
    }
}

pub(super) fn entry(
    (number, id): (u64, u64),
    sender: u64,
    client_id: Option<&str>,
    sent_at: &str,
    body: Body,
) -> EntryView {
    EntryView::from(Entry {
        conversation: conversation(LUNCH),
        seq: seq(number),
        id: EntryId::new(id).unwrap(),
        sender: user(sender),
        client_id: client_id.map(|text| ClientId::new(text).unwrap()),
        at: at(sent_at),
        ord: 1,
        body,
    })
}

pub(super) fn text(text: &str, reply_to: Option<u64>) -> Body {
    Body::plain(text, reply_to.map(seq))
}

pub(super) fn noon() -> EntryView {
    let id = (3, 291_140_119_409_201_152);
    let body = text("Shall we eat at noon?", None);
    entry(id, ADA, Some("ada-7f3c01"), "2026-03-14T09:26:53.589Z", body)
}

pub(super) fn menu() -> Attachment {
    let id = AttachmentId::new(291_140_140_812_763_136).unwrap();
    let blurhash = "LEHV6nWB2yk8pyo0adR*.7kCMdnj".into();
    let details = Details::Image { width: 1_200, height: 800, blurhash };
    Attachment { id, name: "menu.png".into(), size: 48_213, media: MediaType::Png, details }
}

fn voice() -> Attachment {
    let id = AttachmentId::new(291_140_140_812_763_137).unwrap();
    let details = Details::Sound { duration_ms: 4_260 };
    Attachment { id, name: "voice.webm".into(), size: 20_480, media: MediaType::Webm, details }
}

pub(super) fn pictured() -> EntryView {
    let id = (14, 291_140_196_647_313_409);
    let attachments = [menu(), voice()].into_iter().collect();
    let body = Body::Text { text: Some("".into()), reply_to: None, attachments };
    entry(id, ADA, Some("ada-7f3c09"), "2026-03-14T09:59:12.004Z", body)
}

pub(super) fn usual() -> EntryView {
    let id = (4, 291_140_196_647_313_408);
    let body = text("Yes, the usual place.", Some(3));
    entry(id, GRACE, Some("grace-51d2aa"), "2026-03-14T09:27:12.004Z", body)
}

pub(super) fn morning() -> EntryView {
    let id = (3, 291_138_763_856_289_792);
    let body = text("Good morning!", None);
    let mut view = entry(id, GRACE, Some("grace-51d2a9"), "2026-03-14T09:21:30.400Z", body);
    view.entry.conversation = conversation(PAIR);
    view
}

pub(super) fn edited() -> EntryView {
    let id = (5, 291_140_314_574_360_576);
    let body = Body::Edited { target_seq: seq(3), text: Some("Shall we eat at one?".into()) };
    entry(id, ADA, Some("ada-7f3c02"), "2026-03-14T09:27:40.120Z", body)
}

pub(super) fn reaction() -> EntryView {
    let id = (6, 291_140_412_431_671_296);
    let body = Body::Reaction { target_seq: seq(3), emoji: "👍".into(), on: true };
    entry(id, GRACE, Some("grace-51d2ab"), "2026-03-14T09:28:03.451Z", body)
}

pub(super) fn joined() -> EntryView {
    let id = (7, 291_140_904_952_008_704);
    let body =
        Body::Joined { user: user(ALAN), role: Role::Member, joining: Joining::AddedAsRequest };
    entry(id, ADA, None, "2026-03-14T09:30:00.877Z", body)
}

pub(super) fn joined_by_invite() -> EntryView {
    let id = (14, 291_141_904_952_008_704);
    let joining = Joining::ByInvite { invited_by: user(ADA) };
    let body = Body::Joined { user: user(ALAN), role: Role::Member, joining };
    entry(id, ALAN, Some("alan-5c20d7"), "2026-03-14T09:32:10.402Z", body)
}

pub(super) fn redacted() -> EntryView {
    let id = (10, 291_141_364_870_033_408);
    let body = Body::Redacted { target_seq: seq(8) };
    entry(id, ALAN, Some("alan-0b9e03"), "2026-03-14T09:31:50.530Z", body)
}

pub(super) fn title() -> EntryView {
    let id = (11, 291_142_232_117_874_688);
    entry(id, ADA, None, "2026-03-14T09:35:17.298Z", Body::Title { title: "Lunch club".into() })
}

pub(super) fn role() -> EntryView {
    let id = (12, 291_142_595_826_946_048);
    let member = member(GRACE, Role::Admin, 1, cursor(0, 0)).member;
    entry(id, ADA, None, "2026-03-14T09:36:44.013Z", Body::Role { member })
}

pub(super) fn left() -> EntryView {
    let id = (13, 291_143_710_387_736_576);
    let body = Body::Left { user: user(ALAN), by: user(ADA) };
    entry(id, ADA, None, "2026-03-14T09:41:09.745Z", body)
}

/// Returns the thirteen entries of the page of history.
pub(super) fn page() -> Vec<EntryView> {
    let founder = |number, id, who, role| {
        let body = Body::Joined { user: user(who), role, joining: Joining::Founder };
        entry((number, id), ADA, None, "2026-03-14T09:26:10.310Z", body)
    };
    let mut one = noon();
    one.entry.body = text("Shall we eat at one?", None);
    one.edited_at = Some(at("2026-03-14T09:27:40.120Z"));
    one.reactions = vec![ReactionView { emoji: "👍".into(), users: vec![user(GRACE)] }];
    let gone = Body::erased(None);
    let gone_edit = Body::Edited { target_seq: seq(8), text: None };
    vec![
        founder(1, 291_139_937_883_918_337, ADA, Role::Owner),
        founder(2, 291_139_937_883_918_338, GRACE, Role::Member),
        one,
        usual(),
        edited(),
        reaction(),
        joined(),
        entry(
            (8, 291_141_260_566_081_536),
            ALAN,
            Some("alan-0b9e01"),
            "2026-03-14T09:31:25.662Z",
            gone,
        ),
        entry(
            (9, 291_141_312_353_153_024),
            ALAN,
            Some("alan-0b9e02"),
            "2026-03-14T09:31:38.009Z",
            gone_edit,
        ),
        redacted(),
        title(),
        role(),
        left(),
    ]
}
