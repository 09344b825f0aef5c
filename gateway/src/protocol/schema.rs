//! The schemas of values whose form the server checks beyond their type, with the limits that it uses.
//!
//! A schema cannot say everything. It counts characters where the server counts bytes, so a text
//! outside ASCII may fit the schema and still be too large. Names may not contain invisible characters,
//! but most emoji do. A password may be easy to guess.

use chat_core::limits::{
    ATTACHMENTS_MAX, CLIENT_ID_CHARS_MAX, DEVICE_BYTES_MAX, DISPLAY_NAME_BYTES_MAX,
    EMOJI_BYTES_MAX, FOUNDERS_MAX, INVITE_TTL_MAX, INVITE_TTL_MIN, INVITE_USES_MAX,
    MEMBERS_PAGE_MAX, PAGE_MAX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, SEARCH_QUERY_BYTES_MAX,
    TEXT_BYTES_MAX, TITLE_BYTES_MAX, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN, WATCHED_MAX,
};
use utoipa::{
    PartialSchema,
    openapi::{
        Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder, Ref, RefOr,
        Required, Schema, SchemaFormat, Type,
        path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
        schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
    },
};

use super::{
    search::HasName,
    value::{KindName, WireAttachmentId, WireConversationId, WireUserId},
};

/// An id.
const ID: &str = "[1-9][0-9]{0,18}";
/// A character that can be seen, somewhere.
const VISIBLE: &str = r"[^\x00-\x20\x7f-\xa0]";
/// A visible character, and no control characters.
const NAME: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$";

fn string(min: usize, max: usize) -> ObjectBuilder {
    let string = ObjectBuilder::new().schema_type(Type::String);
    string.min_length(Some(min)).max_length(Some(max))
}

fn number(min: usize, max: usize) -> Object {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    number.minimum(Some(min)).maximum(Some(max)).build()
}

/// A text.
pub(crate) fn text() -> Object {
    string(1, TEXT_BYTES_MAX).pattern(Some(VISIBLE)).build()
}

/// The text of a message, which may be empty if the message has attachments.
pub(crate) fn text_of_message() -> Object {
    string(0, TEXT_BYTES_MAX).build()
}

/// The attachments of a message.
pub(crate) fn attachments() -> Array {
    let ids = ArrayBuilder::new().items(WireAttachmentId::schema());
    ids.max_items(Some(ATTACHMENTS_MAX)).unique_items(true).build()
}

/// A title.
pub(crate) fn title() -> Object {
    string(1, TITLE_BYTES_MAX).pattern(Some(NAME)).build()
}

/// A display name, or `null`.
pub(crate) fn display_name() -> Object {
    or_null(string(1, DISPLAY_NAME_BYTES_MAX).pattern(Some(NAME)), Type::String)
}

/// The name of a device, or `null`.
pub(crate) fn device() -> Object {
    or_null(string(1, DEVICE_BYTES_MAX).pattern(Some(NAME)), Type::String)
}

/// An emoji. It must be a single one, which no schema can tell.
pub(crate) fn emoji() -> Object {
    string(1, EMOJI_BYTES_MAX).pattern(Some(r"[^\x00-\x7f]")).examples(["\u{1F44D}"]).build()
}

/// A username that can be registered.
pub(crate) fn username() -> Object {
    let letters = string(USERNAME_CHARS_MIN, USERNAME_CHARS_MAX);
    letters.pattern(Some("^[A-Za-z0-9_.-]*[A-Za-z0-9][A-Za-z0-9_.-]*$")).build()
}

/// A new password. It must be hard to guess as well, which no schema can tell.
pub(crate) fn new_password() -> Object {
    password(PASSWORD_CHARS_MIN)
}

/// A password that exists.
pub(crate) fn any_password() -> Object {
    password(0)
}

fn password(min: usize) -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Password);
    string(min, PASSWORD_BYTES_MAX).format(Some(format)).build()
}

/// The code of an invite. Others of this form may be larger than any code.
pub(crate) fn invite_code() -> Object {
    let code = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9A-Za-z]{11}$"));
    code.examples(["4Zq8LkT0bXw"]).build()
}

/// The uses of a new invite, or `null`.
pub(crate) fn invite_uses() -> Object {
    let uses = ObjectBuilder::new().minimum(Some(1)).maximum(Some(INVITE_USES_MAX));
    or_null(uses, Type::Integer)
}

/// The life of a new invite in seconds, or `null`.
pub(crate) fn invite_life() -> Object {
    let seconds = |life: std::time::Duration| usize::try_from(life.as_secs()).unwrap_or(usize::MAX);
    let life = ObjectBuilder::new().minimum(Some(seconds(INVITE_TTL_MIN)));
    or_null(life.maximum(Some(seconds(INVITE_TTL_MAX))), Type::Integer)
}

/// A client id.
pub(crate) fn client_id() -> Object {
    string(1, CLIENT_ID_CHARS_MAX).pattern(Some("^[A-Za-z0-9_-]+$")).build()
}

/// A client id, or `null`.
pub(crate) fn client_id_or_null() -> Object {
    let mut client_id = client_id();
    client_id.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    client_id
}

/// The id of a login, or `current`.
pub(crate) fn login() -> Object {
    let login = ObjectBuilder::new().schema_type(Type::String);
    login.pattern(Some(format!("^({ID}|current)$"))).build()
}

/// The beginning of a name.
pub(crate) fn query() -> Object {
    string(1, USERNAME_CHARS_MAX).build()
}

/// A list of ids in a query.
pub(crate) fn ids() -> Object {
    let more = PAGE_MAX - 1;
    let pattern = format!("^{ID}(,{ID}){{0,{more}}}$");
    let ids = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    ids.examples(["286772161220186112"]).build()
}

/// The number of items of a page.
pub(crate) fn page_limit() -> Object {
    number(1, PAGE_MAX)
}

/// The number of members of a page.
pub(crate) fn members_limit() -> Object {
    number(1, MEMBERS_PAGE_MAX)
}

/// The cursor of a list. Any text that no answer had is refused.
pub(crate) fn cursor() -> Object {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build()
}

/// Seqs by conversation, or `null`.
pub(crate) fn resume() -> Object {
    let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^{ID}$")));
    let cursors = ObjectBuilder::new().property_names(Some(id.build()));
    or_null(cursors.additional_properties(Some(integer())), Type::Object)
}

/// The users of `watch` and `unwatch`.
pub(crate) fn watched() -> Array {
    ArrayBuilder::new().items(WireUserId::schema()).max_items(Some(WATCHED_MAX)).build()
}

/// The body of `POST /v1/conversations`: each kind has members of its own.
pub(crate) fn create_conversation() -> OneOfBuilder {
    let kind = |kind: KindName| {
        let name = serde_json::to_value(kind).unwrap_or_default();
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name]))
    };
    let members = ArrayBuilder::new().items(WireUserId::schema()).max_items(Some(FOUNDERS_MAX - 1));
    let members = members.schema_type(SchemaType::from_iter([Type::Array, Type::Null]));
    let direct = closed().property("kind", kind(KindName::Direct)).required("kind");
    let group = closed().property("kind", kind(KindName::Group)).required("kind");
    let direct = direct.property("user", WireUserId::schema()).required("user");
    let group = group.property("title", title()).required("title").property("members", members);
    OneOfBuilder::new().item(direct).item(group)
}

/// The body of `POST …/receipts`: `delivered_seq`, `read_seq`, or both.
pub(crate) fn receipts() -> AnyOfBuilder {
    let with = |given: &str, other: &str| {
        closed().property(given, integer()).required(given).property(other, integer_or_null())
    };
    let delivered = with("delivered_seq", "read_seq");
    AnyOfBuilder::new().item(delivered).item(with("read_seq", "delivered_seq"))
}

/// The query of `GET /v1/users`: `query` and `limit`, or `ids`.
pub(crate) fn find_users() -> OneOfBuilder {
    let by_name = closed().property("query", query()).required("query");
    let by_name = by_name.property("limit", page_limit());
    let by_id = closed().property("ids", ids()).required("ids");
    OneOfBuilder::new().item(by_name).item(by_id)
}

/// The query of `GET /v1/search`: at least one of `q`, `sender` and `has`, and what narrows it.
pub(crate) fn find_messages() -> AnyOfBuilder {
    let time = || {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let time = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        let pattern = r"^(19|20)\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{3})?Z$";
        time.pattern(Some(pattern)).examples(["2026-03-14T09:26:53.589Z"])
    };
    let with = |required: &str| {
        closed()
            .property("q", string(1, SEARCH_QUERY_BYTES_MAX).pattern(Some("[A-Za-z0-9]")))
            .property("conversation", WireConversationId::schema())
            .property("sender", WireUserId::schema())
            .property("has", HasName::schema())
            .property("before", time())
            .property("after", time())
            .property("cursor", cursor())
            .property("limit", page_limit())
            .required(required)
    };
    AnyOfBuilder::new().item(with("q")).item(with("sender")).item(with("has"))
}

/// The query of the history call: at most one position, and `limit`.
pub(crate) fn paging() -> OneOfBuilder {
    let newest = closed().property("limit", page_limit());
    let positions = ["before_seq", "after_seq", "around_seq"].into_iter();
    positions.fold(OneOfBuilder::new().item(newest), |either, position| {
        let page = closed().property(position, integer()).required(position);
        either.item(page.property("limit", page_limit()))
    })
}

/// A parameter of a query. The members of an object are parameters of their own.
pub(crate) fn query_parameter(
    name: &str,
    required: Required,
    schema: impl Into<RefOr<Schema>>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
        .schema(Some(schema))
        .build()
}

/// An object that refuses unknown members.
fn closed() -> ObjectBuilder {
    let nothing_else = Some(AdditionalProperties::FreeForm(false));
    ObjectBuilder::new().additional_properties(nothing_else)
}

fn integer() -> Ref {
    Ref::from_schema_name("Integer")
}

fn integer_or_null() -> OneOfBuilder {
    OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Null)).item(integer())
}

fn or_null(schema: ObjectBuilder, kind: Type) -> Object {
    schema.schema_type(SchemaType::from_iter([kind, Type::Null])).build()
}
