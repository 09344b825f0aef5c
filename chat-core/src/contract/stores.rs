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
        for (file, text) in [("log", include_str!("log.rs"))] {
            for promise in text.split("\npub async fn ").skip(1) {
                let name = promise.split('(').next().unwrap_or_default();
                assert!(list.contains(&format!("{file}: {name};")), "{file}: {name};");
            }
        }
    }
}
