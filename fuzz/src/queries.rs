//! Queries and cursors: numbers and lists stay in their bounds, and a cursor has one text.
//!
//! The last byte of an input chooses the query.

use chat_core::limits::{INTEGER_MAX, PAGE_MAX};
use gateway::{
    fuzzing::query,
    protocol::{messages::Paging, search::FindMessages, value::Integer},
    rest::{
        cursor::{
            decode_list, decode_member, decode_place, encode_list, encode_member, encode_place,
        },
        extract::{FindUsers, Ids, ListPage, MembersPage, NoQuery, Presences},
    },
};

use super::bodies::CONVERSATION;

pub(crate) fn check(input: &[u8]) {
    let Some((which, text)) = input.split_last() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    check_cursor(text);
    match which % 7 {
        0 => check_query::<ListPage>(text, |page| {
            check_number(page.limit);
            page.cursor.iter().for_each(|cursor| check_cursor(cursor));
        }),
        1 => check_query::<MembersPage>(text, |page| {
            check_number(page.limit);
            page.cursor.iter().for_each(|cursor| check_cursor(cursor));
        }),
        2 => check_query::<FindUsers>(text, |find| {
            check_number(find.limit);
            find.ids.iter().for_each(check_ids);
        }),
        3 => check_query::<Presences>(text, |presences| check_ids(&presences.users)),
        4 => check_query::<Paging>(text, |paging| {
            for number in [paging.before_seq, paging.after_seq, paging.around_seq, paging.limit] {
                check_number(number);
            }
            drop(paging.into_command(CONVERSATION));
        }),
        5 => check_query::<FindMessages>(text, |find| {
            check_number(find.limit);
            drop(find.into_command(None));
        }),
        _ => check_query::<NoQuery>(text, |NoQuery {}| assert!(text.bytes().all(|b| b == b'&'))),
    }
}

fn check_query<T: serde::de::DeserializeOwned>(text: &str, check: impl FnOnce(T)) {
    // A parameter without a name or a value stays one.
    if let Ok(read) = query::<T>(text) {
        assert!(query::<T>(&format!("{text}&x=1")).is_err(), "an unknown parameter is accepted");
        check(read);
    }
}

fn check_number(number: Option<Integer>) {
    assert!(number.is_none_or(|Integer(number)| number <= INTEGER_MAX));
}

fn check_ids(Ids(ids): &Ids) {
    assert!((1..=PAGE_MAX).contains(&ids.len()));
}

fn check_cursor(text: &str) {
    if let Ok(cursor) = decode_list(text) {
        assert_eq!(encode_list(cursor), text);
    }
    if let Ok(cursor) = decode_member(text) {
        assert_eq!(encode_member(cursor), text);
    }
    if let Ok(cursor) = decode_place(text) {
        assert_eq!(encode_place(cursor), text);
    }
}
