//! The list of all promises of the store ports.

/// Makes one test of each promise of the store ports. `open` is the path of an
/// `async fn() -> (guard, Vec<Stores>)`: at least one handle, all on the same store, which may hold
/// what other tests wrote; the guard is dropped after the test.
#[macro_export]
macro_rules! store_contract {
    ($open:path) => {
        $crate::store_contract!(@tests $open;
            log: empty_log_has_the_default_head;
            log: append_is_read_back_as_written;
            log: append_is_seen_by_every_later_read_on_every_handle;
            log: head_keeps_its_running_values;
            log: heads_answer_in_the_order_asked;
            log: append_at_another_head_is_refused_with_the_true_head;
            log: refused_append_leaves_its_keys_free;
            log: known_key_is_refused_with_the_entry_that_stands;
            log: batch_with_known_keys_is_refused_whole;
            log: client_id_belongs_to_its_sender_and_conversation;
            log: entries_without_client_id_are_no_duplicates;
            log: reads_are_contiguous_and_bounded;
            log: find_tells_what_a_client_id_made;
            log: neighbouring_conversations_do_not_mix;
            log: big_texts_fit_one_append;
            log: group_is_founded_in_one_append;
            log_race: concurrent_appenders_make_one_log;
            log_race: one_append_wins_at_each_head;
            log_race: one_command_at_once_on_all_handles_makes_one_entry;
            log_race: reader_beside_appenders_sees_a_growing_log;
            log_race: conversations_are_appended_to_side_by_side;
            log_depth: repeats_are_found_at_any_depth;
            log_depth: log_goes_on_over_an_edge;
            log_depth: stale_appends_are_refused_at_an_edge;
            erase: erase_takes_the_text_and_keeps_the_place;
            erase: erased_entries_still_answer_repeats;
            erase: erase_leaves_everything_else;
            conversations: conversation_is_kept_as_it_was_made;
            conversations: first_founding_stands;
            conversations: one_of_many_foundings_at_once_stands;
            conversations: two_people_have_one_direct_conversation;
            conversations: each_pair_has_its_own_direct_conversation;
            conversations: title_is_the_newest;
            conversations: title_does_not_depend_on_the_order_of_projecting;
            conversations: entries_alone_found_nothing;
            members: members_are_what_the_entries_say;
            members: standing_does_not_depend_on_the_order_of_projecting;
            members: late_joined_does_not_bring_a_former_member_back;
            members: rejoining_begins_anew;
            members: members_are_paged_by_id;
            members: former_members_take_no_place_on_a_page;
            members: user_is_told_its_conversations;
            members: standing_answers_in_the_order_asked;
            overlays: overlays_are_the_fold_of_the_entries;
            overlays: overlays_do_not_depend_on_the_order_of_projecting;
            overlays: late_edit_of_a_redacted_message_is_erased;
            overlays: redaction_beside_an_edit_leaves_no_text;
            overlays: reactions_follow_their_newest_entry;
            overlays: reactions_are_ascending_by_emoji_and_user;
            overlays: overlays_are_told_by_range;
            cursors: cursor_only_moves_forward;
            cursors: concurrent_advances_end_at_the_furthest;
            cursors: cursors_answer_in_the_order_asked;
            cursors: sending_moves_the_senders_own_cursor;
            cursors: late_texts_move_no_cursor_back;
            accounts: username_is_claimed_once;
            accounts: claim_may_be_repeated_by_its_winner;
            accounts: users_answer_in_the_order_asked;
            accounts: profile_is_told_as_it_was_set;
            accounts: search_finds_names_by_prefix;
            logins: refresh_tokens_are_exchanged_one_after_the_other;
            logins: lost_answer_is_repeated_within_the_grace;
            logins: reuse_ends_the_login;
            logins: one_exchange_at_once_is_made_once;
            logins: different_exchanges_at_once_end_the_login;
            logins: login_runs_out;
            logins: revoked_login_is_over;
            logins: logins_are_listed_newest_first;
            logins: login_unused_longest_makes_room;
            replies: key_is_claimed_and_settled_once;
            replies: key_does_not_stand_for_another_body;
            replies: claim_that_ran_out_is_taken_over_with_the_first_id;
            replies: one_of_many_claims_at_once_wins;
            replies: released_key_is_free;
            replies: key_nobody_claimed_is_free;
            replies: key_belongs_to_its_user;
        );
    };
    (@tests $open:path; $($file:ident: $promise:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            let (_guard, stores) = $open().await;
            $crate::contract::$file::$promise(&stores).await;
        }
    )+};
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_is_listed() {
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
            ("accounts", include_str!("accounts.rs")),
            ("logins", include_str!("logins.rs")),
            ("replies", include_str!("replies.rs")),
        ] {
            for promise in text.split("\npub async fn ").skip(1) {
                let name = promise.split('(').next().unwrap_or_default();
                assert!(list.contains(&format!("{file}: {name};")), "{file}: {name};");
            }
        }
    }
}
