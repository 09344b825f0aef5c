//! Each attack on a gateway with default settings: what the attacker gets, and that others are served.
//!
//! These are the scenarios of `cargo xtask attack` with small counts. Nothing here depends on the speed
//! of the machine.

use tests::{
    Result,
    attack::{Plan, Scenario, attack},
    ensure,
    gateway::binary,
};

/// By how much the resident memory of any build may grow.
const GROWN_BYTES_MAX: u64 = 384 << 20;

/// Runs a scenario and checks the promises that hold on any machine.
async fn survive(scenario: Scenario) -> Result<()> {
    let outcome = attack(&binary()?, scenario, Plan::short()).await?.rested().await?;
    ensure!(outcome.broken.is_empty(), "{:?}: {:?}", outcome.broken, outcome.answers);
    ensure!(outcome.grown_bytes() < GROWN_BYTES_MAX, "grown by {} bytes", outcome.grown_bytes());
    ensure!(
        outcome.honest.is_none_or(|share| share.succeeded == share.tried && share.tried > 0),
        "honest users: {:?}",
        outcome.honest
    );
    Ok(())
}

macro_rules! attacks {
    ($($test:ident: $scenario:ident,)*) => {$(
        #[tokio::test]
        async fn $test() -> Result<()> {
            survive(Scenario::$scenario).await
        }
    )*};
}

attacks! {
    outsiders_write_nothing: Outsiders,
    logins_of_a_user_share_one_limit: ManyLogins,
    groups_in_bulk_leave_room_in_the_lists_of_their_members: GroupsInBulk,
    polls_of_a_long_list_are_paid_by_its_owner: LongList,
    repeated_presence_is_limited_and_shows_strangers_nothing: Presence,
    searches_by_one_letter_are_limited: ShortSearches,
    searches_of_messages_are_limited: MessageSearches,
    flood_of_log_ins_from_one_network_stops_no_owner: LogInsFromOneNetwork,
    flood_of_log_ins_from_many_networks_stops_no_known_owner: LogInsFromManyNetworks,
    guesses_do_not_stop_the_owner: Guesses,
    junk_refreshes_stop_no_neighbour: JunkRefreshes,
    unread_pages_are_bounded: UnreadPages,
    unread_files_are_bounded: UnreadFiles,
    sockets_that_read_nothing_are_bounded: FarBehind,
    connections_above_the_limit_of_an_address_are_closed: SilentSockets,
    strangers_get_requests_only: Strangers,
    guessed_codes_of_invites_let_nobody_in: InviteGuesses,
    uploads_at_the_same_time_need_little_memory: ManyUploads,
    images_with_many_pixels_are_bounded: LargeImages,
}
