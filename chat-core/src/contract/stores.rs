//! The list of all contract tests of the store ports.

/// Makes the contract tests of a store.
///
/// `open` is the path of an `async fn() -> (guard, Vec<Stores>)`. It returns at least one handle,
/// all on the same store, which may contain data of other tests. The guard is dropped after the
/// test.
#[macro_export]
macro_rules! store_contract {
    ($open:path) => {
        $crate::store_contract!(@tests $open;
            log: empty_log_has_the_default_head;
            log: append_is_read_back_as_written;
            log: append_is_in_every_later_read_on_every_handle;
            log: head_returns_the_values_of_the_last_append;
            log: heads_are_returned_in_the_order_requested;
            log: append_is_refused_when_the_head_differs;
            log: refused_append_does_not_use_up_client_ids;
            log: retry_returns_the_entry_of_the_first_attempt;
            log: batch_is_refused_whole_when_one_client_id_is_known;
            log: client_id_is_scoped_to_sender_and_conversation;
            log: entries_without_client_id_are_never_duplicates;
            log: reads_are_contiguous_and_bounded;
            log: find_returns_the_entry_of_a_client_id;
            log: conversations_with_adjacent_ids_are_separate;
            log: largest_batch_fits_one_append;
            log: largest_new_group_fits_one_append;
            log_race: concurrent_appends_make_one_dense_log;
            log_race: exactly_one_append_succeeds_at_each_head;
            log_race: concurrent_copies_of_a_command_make_one_entry;
            log_race: concurrent_reader_sees_a_growing_log;
            log_race: conversations_can_be_appended_to_concurrently;
            log_depth: retries_are_recognized_at_any_depth;
            log_depth: log_continues_across_a_partition_edge;
            log_depth: stale_appends_are_refused_at_a_partition_edge;
            erase: erase_removes_the_text_and_keeps_the_entry;
            erase: retry_finds_its_entry_after_erasure;
            erase: erase_changes_nothing_but_texts;
            conversations: conversation_is_read_back_as_created;
            conversations: second_create_changes_nothing;
            conversations: one_of_several_concurrent_creates_wins;
            conversations: two_users_have_one_direct_conversation;
            conversations: each_pair_has_its_own_direct_conversation;
            conversations: title_is_that_of_the_newest_entry;
            conversations: title_does_not_depend_on_projection_order;
            conversations: every_conversation_is_listed_once;
            conversations: create_is_refused_when_the_id_is_taken;
            conversations: direct_is_refused_when_the_fresh_id_is_taken;
            conversations: entries_alone_do_not_create_a_conversation;
            members: members_follow_the_entries;
            members: membership_does_not_depend_on_projection_order;
            members: former_member_stays_out_when_joined_is_projected_late;
            members: rejoined_member_sees_the_log_from_its_new_entry;
            members: members_are_paged_by_id;
            members: former_members_do_not_shorten_pages;
            members: user_gets_exactly_its_own_conversations;
            members: standing_is_returned_in_the_order_requested;
            overlays: overlays_follow_the_entries;
            overlays: overlays_do_not_depend_on_projection_order;
            overlays: edit_is_erased_when_projected_after_the_redaction;
            overlays: concurrent_redaction_and_edits_leave_no_text;
            overlays: reactions_follow_their_newest_entry;
            overlays: reactions_are_ordered_by_emoji_and_user;
            overlays: overlays_are_limited_to_the_range;
            cursors: read_cursorly_moves_forward;
            cursors: concurrent_advances_end_at_the_furthest;
            cursors: cursors_are_returned_in_the_order_requested;
            cursors: sending_moves_the_senders_own_cursor;
            cursors: cursor_stays_when_texts_are_projected_late;
            accounts: one_of_several_concurrent_claims_gets_the_name;
            accounts: winner_can_repeat_its_claim;
            accounts: account_is_refused_when_its_id_is_taken;
            accounts: name_stays_free_when_the_id_was_taken;
            accounts: users_are_returned_in_the_order_requested;
            accounts: password_is_replaced_only_if_it_is_the_expected_one;
            accounts: profile_is_read_back_as_set;
            accounts: search_finds_names_by_prefix;
            accounts: search_finds_words_of_display_names;
            accounts: words_follow_the_display_name;
            consents: consent_only_moves_forward;
            consents: concurrent_consents_end_at_the_furthest;
            consents: consents_are_returned_for_members_and_users;
            consents: privacy_settings_change_one_by_one;
            consents: blocks_follow_their_owner;
            logins: login_is_refused_when_its_id_is_taken;
            logins: refresh_tokens_can_be_exchanged_repeatedly;
            logins: exchange_can_be_repeated_until_its_token_is_used;
            logins: login_ends_when_an_old_token_is_reused;
            logins: concurrent_copies_of_an_exchange_rotate_once;
            logins: login_ends_when_exchanges_of_one_token_differ;
            logins: expired_login_is_gone;
            logins: revoked_login_is_gone_on_every_handle;
            logins: login_ends_when_a_token_is_reused_after_its_successors_use;
            logins: ended_logins_stay_when_others_end_later;
            logins: ended_logins_are_kept_until_their_time_has_passed;
            logins: logins_are_listed_newest_first;
            logins: least_recently_used_login_is_evicted;
            replies: settled_key_returns_its_conversation;
            replies: key_is_refused_when_the_body_differs;
            replies: expired_claim_is_taken_over_with_the_first_id;
            replies: one_of_several_concurrent_claims_wins;
            replies: released_key_can_be_claimed_again;
            replies: settle_and_release_ignore_unclaimed_keys;
            replies: key_is_scoped_to_its_user;
            invites: invite_is_read_back_as_created;
            invites: invite_is_refused_when_its_code_is_taken;
            invites: conversation_lists_its_live_invites;
            invites: user_takes_one_use_however_often_it_claims;
            invites: spent_use_is_replaced_by_another_one;
            invites: ended_invite_gives_no_use;
            invites: expired_invite_gives_no_use;
            invites: unknown_code_gives_no_use;
            invites: one_of_several_concurrent_claims_gets_the_last_use;
            invites: concurrent_claims_of_a_user_take_one_use;
            invites: conversation_has_a_limited_number_of_live_invites;
            invites: invite_has_room_when_another_one_is_not_live;
            uploads: upload_is_refused_when_its_id_is_taken;
            uploads: upload_changes_only_from_the_known_revision;
            uploads: one_of_several_concurrent_changes_of_an_upload_wins;
            uploads: removed_upload_is_gone;
            uploads: bytes_of_a_user_are_those_of_their_uploads;
            uploads: upload_is_due_from_its_time_on;
            uploads: due_uploads_are_limited;
        );
    };
    (@tests $open:path; $($file:ident: $test:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (_guard, stores) = $open().await;
            $crate::contract::$file::$test(&stores).await;
        }
    )+};
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_is_listed() {
        let list = include_str!("stores.rs");
        for (file, text) in [
            ("log", include_str!("log.rs")),
            ("log_race", include_str!("log_race.rs")),
            ("log_depth", include_str!("log_depth.rs")),
            ("erase", include_str!("erase.rs")),
            ("conversations", include_str!("conversations.rs")),
            ("members", include_str!("members.rs")),
            ("overlays", include_str!("overlays.rs")),
            ("cursors", include_str!("cursors.rs")),
            ("consents", include_str!("consents.rs")),
            ("accounts", include_str!("accounts.rs")),
            ("logins", include_str!("logins.rs")),
            ("replies", include_str!("replies.rs")),
            ("invites", include_str!("invites.rs")),
            ("uploads", include_str!("uploads.rs")),
        ] {
            for test in text.split("\npub async fn ").skip(1) {
                let name = test.split('(').next().unwrap_or_default();
                assert!(list.contains(&format!("{file}: {name};")), "{file}: {name};");
            }
        }
    }
}
