//! The fields of the index, its documents and its queries.

use std::ops::Bound;

use chat_core::{
    id::ConversationId,
    model::Seq,
    port::{Document, Place, SearchRequest},
    search::{Pattern, Word, words},
};
use tantivy::{
    Index, TantivyDocument, Term,
    query::{AllQuery, BooleanQuery, Occur, PhraseQuery, Query, RangeQuery, TermQuery},
    schema::{
        FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
    },
    tokenizer::{Token, TokenStream, Tokenizer},
};

pub(super) const CONVERSATION: &str = "conversation";
pub(super) const SEQ: &str = "seq";
pub(super) const SENDER: &str = "sender";
pub(super) const AT: &str = "at";
pub(super) const HAS_LINK: &str = "has_link";
pub(super) const HAS_ATTACHMENT: &str = "has_attachment";
const TEXT: &str = "text";
const MARK_OF: &str = "mark_of";
const TOKENIZER: &str = "words";

/// The number of messages of a block.
const BLOCK: u64 = 128;

/// The fields of the index.
///
/// A document is a message, or the mark of a conversation: that has `mark_of` and the mark as its
/// `seq`, and no conversation has the id zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    conversation: Field,
    /// The block of a message, by which it is found. A term of its own would make indexing dearer.
    block: Field,
    seq: Field,
    sender: Field,
    at: Field,
    has_link: Field,
    has_attachment: Field,
    text: Field,
    mark_of: Field,
}

pub(super) fn fields() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    // Not `INDEXED`, which also keeps the number of values of each document.
    let indexed = NumericOptions::default().set_indexed();
    let fields = Fields {
        conversation: schema.add_u64_field(CONVERSATION, indexed.clone().set_fast()),
        block: schema.add_u64_field("block", indexed.clone()),
        seq: schema.add_u64_field(SEQ, FAST),
        sender: schema.add_u64_field(SENDER, FAST),
        at: schema.add_i64_field(AT, FAST),
        has_link: schema.add_bool_field(HAS_LINK, FAST),
        has_attachment: schema.add_bool_field(HAS_ATTACHMENT, FAST),
        text: schema.add_text_field(TEXT, TextOptions::default().set_indexing_options(text)),
        mark_of: schema.add_u64_field(MARK_OF, indexed),
    };
    (schema.build(), fields)
}

pub(super) fn register_tokenizer(index: &Index) {
    index.tokenizers().register(TOKENIZER, WordTokenizer);
}

impl Fields {
    /// Returns the document of a message, or `None` if there is nothing to find.
    pub(super) fn document(&self, document: &Document) -> Option<TantivyDocument> {
        let text = document.text.as_deref()?;
        let mut made = TantivyDocument::default();
        made.add_u64(self.conversation, document.place.conversation.get());
        made.add_u64(self.block, block(&document.place));
        made.add_u64(self.seq, document.place.seq.get());
        made.add_u64(self.sender, document.sender.get());
        made.add_i64(self.at, document.place.at.as_millis());
        made.add_bool(self.has_link, document.has_link());
        made.add_bool(self.has_attachment, document.has_attachment);
        made.add_text(self.text, text);
        Some(made)
    }

    /// Returns the document of a mark.
    pub(super) fn mark(&self, conversation: ConversationId, mark: Seq) -> TantivyDocument {
        let mut made = TantivyDocument::default();
        made.add_u64(self.conversation, 0);
        made.add_u64(self.seq, mark.get());
        made.add_u64(self.sender, 0);
        made.add_i64(self.at, 0);
        made.add_bool(self.has_link, false);
        made.add_bool(self.has_attachment, false);
        made.add_u64(self.mark_of, conversation.get());
        made
    }

    /// Returns the term that only the mark of this conversation has.
    pub(super) fn mark_of(&self, conversation: ConversationId) -> Term {
        Term::from_field_u64(self.mark_of, conversation.get())
    }

    /// Returns the query for one message.
    pub(super) fn message(&self, place: &Place) -> BooleanQuery {
        let seq = || Bound::Included(Term::from_field_u64(self.seq, place.seq.get()));
        BooleanQuery::intersection(vec![
            term(Term::from_field_u64(self.block, block(place))),
            self.of_conversation(place.conversation),
            Box::new(RangeQuery::new(seq(), seq())),
        ])
    }

    fn of_conversation(&self, conversation: ConversationId) -> Box<dyn Query> {
        term(Term::from_field_u64(self.conversation, conversation.get()))
    }

    /// Returns the query for what a request looks for. Of a phrase that ends with a prefix, the place of
    /// the prefix is not part of the query: hits are compared with their texts later.
    pub(super) fn query(&self, request: &SearchRequest) -> Box<dyn Query> {
        let mut needed = Vec::new();
        for clause in request.query.clauses() {
            let (prefixes, whole): (Vec<&Pattern>, Vec<&Pattern>) =
                clause.iter().partition(|pattern| pattern.is_prefix);
            let whole: Vec<Term> = whole.iter().map(|pattern| self.word(&pattern.folded)).collect();
            match whole.as_slice() {
                [] => {}
                [one] => needed.push(term(one.clone())),
                _ => needed.push(Box::new(PhraseQuery::new(whole)) as Box<dyn Query>),
            }
            needed.extend(prefixes.iter().map(|pattern| self.prefix(&pattern.folded)));
        }
        if let [(conversation, _)] = request.scope[..] {
            needed.push(self.of_conversation(conversation));
        }
        if needed.is_empty() {
            return Box::new(AllQuery);
        }
        let needed = needed.into_iter().map(|query| (Occur::Must, query));
        Box::new(BooleanQuery::new(needed.collect()))
    }

    fn word(&self, folded: &str) -> Term {
        Term::from_field_text(self.text, folded)
    }

    /// Returns the query for all words that start like this.
    fn prefix(&self, start: &str) -> Box<dyn Query> {
        let mut end: Vec<char> = start.chars().collect();
        let after = loop {
            let Some(last) = end.pop() else { break Bound::Unbounded };
            if let Some(next) =
                (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32)
            {
                end.push(next);
                break Bound::Excluded(self.word(&end.iter().collect::<String>()));
            }
        };
        Box::new(RangeQuery::new(Bound::Included(self.word(start)), after))
    }
}

/// Returns a number that a message shares with those of its conversation near it, and hardly ever with others.
fn block(place: &Place) -> u64 {
    let block = place.seq.get() / BLOCK;
    place.conversation.get() ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn term(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// Splits texts as [`words`] does.
#[derive(Debug, Clone, Copy)]
struct WordTokenizer;

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream {
        WordStream { words: words(text).into_iter(), token: Token::default() }
    }
}

struct WordStream {
    words: std::vec::IntoIter<Word>,
    token: Token,
}

impl TokenStream for WordStream {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        self.token = Token {
            offset_from: word.bytes.start,
            offset_to: word.bytes.end,
            position: self.token.position.wrapping_add(1),
            text: word.folded,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
