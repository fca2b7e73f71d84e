//! How each column is encoded: decided by counting, so that a dictionary never overflows into plain pages.
//!
//! The figures behind the choices stand in ADR 0004.

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use takt_trace::{Dict, SpanColumns, Sparse};

use super::arrays::table;
use super::overflow::Texts;
use crate::Error;
use crate::index::catalogue::{Coding, Scope, Type};
use crate::layout::{Child, Fixed, Form, Layout, Leaf, What};

/// Rows of a data page: what a point read must unpack of every column.
const PAGE_ROWS: usize = 4_096;
/// No dictionary of a row group comes near this, so none falls back to plain pages.
const DICTIONARY_LIMIT: usize = 1 << 30;
const ZSTD: i32 = 3;
/// A number with more distinct values than this gets no dictionary.
const MOST_NUMBERS: usize = 4_096;

pub(crate) fn choose(
    columns: &SpanColumns,
    layout: &Layout,
    texts: &[Option<Texts>],
) -> Vec<Coding> {
    let leaves = layout.leaves.iter().zip(texts);
    let pays = leaves.map(|(leaf, texts)| match texts {
        Some(texts) => text_pays(&texts.dict, &texts.codes.values),
        None => dictionary_pays(columns, leaf),
    });
    pays.map(|pays| match pays {
        true => Coding::Dictionary,
        false => Coding::Plain,
    })
    .collect()
}

fn dictionary_pays(columns: &SpanColumns, leaf: &Leaf) -> bool {
    let (events, links) = (&columns.events, &columns.links);
    match leaf.what {
        What::Fixed(fixed) => match fixed {
            Fixed::SpanId | Fixed::Start | Fixed::Duration | Fixed::ParentSpanId => false,
            Fixed::TraceId => columns.traces.len() * 4 <= columns.len(),
            Fixed::Name => text_pays(&columns.names, &columns.name),
            Fixed::StatusMessage => text_pays(&columns.messages, &columns.status_message.values),
            Fixed::TraceState => text_pays(&columns.trace_states, &columns.trace_state.values),
            Fixed::ParentRow
            | Fixed::Kind
            | Fixed::StatusCode
            | Fixed::Flags
            | Fixed::DroppedAttributes
            | Fixed::DroppedEvents
            | Fixed::DroppedLinks
            | Fixed::ResourceRow
            | Fixed::ScopeRow
            | Fixed::ScopeName
            | Fixed::ScopeVersion => true,
        },
        What::Child(Scope::Event, Child::Name) => text_pays(&events.names, &events.name),
        What::Child(_, Child::TraceState) => {
            text_pays(&links.trace_states, &links.trace_state.values)
        }
        What::Child(_, child) => matches!(child, Child::Flags | Child::DroppedAttributes),
        What::Overflow(_) => false,
        What::Attr(scope, key, kind) => {
            let column = &table(columns, scope).columns[key];
            match kind {
                // Repeated for every span of its resource or scope, whatever their number.
                _ if matches!(scope, Scope::Resource | Scope::Instrumentation) => true,
                Type::String => text_pays(&column.strings, &column.string.values),
                Type::Int => numbers_pay(&column.int, i64::to_le_bytes),
                Type::Float => numbers_pay(&column.float, f64::to_le_bytes),
                Type::Bool | Type::Other => false,
            }
        }
    }
}

fn text_pays(dict: &Dict, codes: &[u32]) -> bool {
    let mut used = vec![false; dict.len()];
    let mut distinct = 0;
    for code in codes {
        let seen = &mut used[*code as usize];
        distinct += usize::from(!*seen);
        *seen = true;
    }
    distinct * 2 <= codes.len().max(16)
}

fn numbers_pay<T: Copy>(sparse: &Sparse<T>, bytes: impl Fn(T) -> [u8; 8]) -> bool {
    let most = MOST_NUMBERS.min(sparse.len() / 4 + 4);
    let mut seen = Dict::default();
    sparse
        .values
        .iter()
        .all(|value| (seen.intern(&bytes(*value)) as usize) < most)
}

pub(crate) fn properties(layout: &Layout, codings: &[Coding]) -> Result<WriterProperties, Error> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(ZSTD).map_err(Error::Encode)?);
    // Version 1 pages compress their null bits along with the values; version 2 pages keep them
    // uncompressed, which costs an eighth of a byte for each span and sparse column.
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(format!("takt block version {}", crate::meta::VERSION))
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_LIMIT)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_compression(zstd);
    for (leaf, coding) in layout.leaves.iter().zip(codings) {
        let path = ColumnPath::new(leaf.path());
        let dictionary = *coding == Coding::Dictionary;
        builder = builder.set_column_dictionary_enabled(path.clone(), dictionary);
        if !dictionary {
            builder = builder.set_column_encoding(path.clone(), encoding(leaf));
        }
        if matches!(leaf.what, What::Fixed(Fixed::SpanId)) {
            builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        if matches!(leaf.what, What::Fixed(Fixed::Start | Fixed::Duration)) {
            builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
    }
    Ok(builder.build())
}

/// The encoding of a column without a dictionary.
fn encoding(leaf: &Leaf) -> Encoding {
    match leaf.form {
        Form::U64 | Form::F64 => Encoding::BYTE_STREAM_SPLIT,
        Form::I64 => Encoding::DELTA_BINARY_PACKED,
        Form::Text => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Form::Id(_) | Form::U8 | Form::U32 => Encoding::PLAIN,
        Form::Bool => Encoding::RLE,
    }
}
