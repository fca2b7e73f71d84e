//! Damaged bytes give an error that says where, or the same spans; never a panic.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod spans;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;
use spans::{flat, footer, opened, read, shop, spec};
use takt_block::{Encoded, Error, Fetched, Meta, Opened, Scope, write};
use takt_trace::Projection;

static BLOCK: LazyLock<Encoded> = LazyLock::new(|| write(&shop(20), &spec()).unwrap());

/// Everything a reader can ask.
fn everything(block: &Encoded, footer: &Bytes) -> Result<usize, Error> {
    let opened = Opened::parse(block.meta.clone(), &block.index, footer)?;
    let whole = Fetched::whole(block.data.clone());
    let mut spans = 0;
    for group in 0..opened.groups() {
        spans += opened.decode(group, &Projection::All, None, &whole)?.len();
    }
    for scope in Scope::ALL {
        for key in opened.keys(scope) {
            opened.values(scope, &key.name)?;
        }
    }
    Ok(spans)
}

fn flipped(bytes: &Bytes, at: prop::sample::Index, bit: u8) -> Bytes {
    let mut bytes = bytes.to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    bytes.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_flipped_bit_in_the_index_is_noticed(at: prop::sample::Index, bit in 0..8_u8) {
        let mut block = BLOCK.clone();
        block.index = flipped(&block.index, at, bit);
        prop_assert!(everything(&block, &footer(&BLOCK)).is_err());
    }

    #[test]
    fn a_flipped_bit_in_the_footer_is_noticed(at: prop::sample::Index, bit in 0..8_u8) {
        prop_assert!(everything(&BLOCK, &flipped(&footer(&BLOCK), at, bit)).is_err());
    }

    #[test]
    fn a_flipped_bit_in_the_pages_is_noticed_or_in_nothing_we_read(at: prop::sample::Index, bit in 0..8_u8) {
        let mut block = BLOCK.clone();
        block.data = flipped(&block.data, at, bit);
        // The columns for foreign readers are not ours to read.
        if everything(&block, &footer(&BLOCK)).is_ok() {
            let same = flat(&read(&opened(&BLOCK), &block, &Projection::All));
            prop_assert_eq!(same, flat(&read(&opened(&BLOCK), &BLOCK, &Projection::All)));
        }
    }

    #[test]
    fn truncated_files_are_noticed(at: prop::sample::Index) {
        let mut block = BLOCK.clone();
        block.index = block.index.slice(..at.index(block.index.len()));
        prop_assert!(everything(&block, &footer(&BLOCK)).is_err());
        let whole = footer(&BLOCK);
        prop_assert!(everything(&BLOCK, &whole.slice(..at.index(whole.len()))).is_err());
    }

    #[test]
    fn any_bytes_are_no_index_and_no_meta(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut block = BLOCK.clone();
        block.index = bytes.clone().into();
        prop_assert!(everything(&block, &footer(&BLOCK)).is_err());
        prop_assert!(Meta::from_json(&bytes).is_err());
    }
}

/// The block with a changed footer whose checksum is right, as only a forger would write it.
fn forged(at: usize, bits: u8) -> Encoded {
    const TAIL_CRC: usize = 8 + 4 + 16 + 8 + 8;
    let mut block = BLOCK.clone();
    let mut data = block.data.to_vec();
    let tail = usize::try_from(Opened::footer_range(&block.meta).start).unwrap();
    data[tail + at] ^= bits;
    let mut index = block.index.to_vec();
    index[TAIL_CRC..TAIL_CRC + 4].copy_from_slice(&crc32fast::hash(&data[tail..]).to_le_bytes());
    let sections = u32::from_le_bytes(index[48..52].try_into().unwrap()) as usize;
    let head = 52 + 24 * sections;
    let crc = crc32fast::hash(&index[..head]);
    index[head..head + 4].copy_from_slice(&crc.to_le_bytes());
    (block.data, block.index) = (data.into(), index.into());
    block
}

#[test]
fn a_forged_footer_is_an_error_or_the_same_spans() {
    let same = flat(&read(&opened(&BLOCK), &BLOCK, &Projection::All));
    let mut refusals = BTreeSet::new();
    for at in 0..footer(&BLOCK).len() {
        // The lowest bit of a Thrift number is its sign, the highest says whether it goes on.
        let block = forged(at, if at % 4 == 0 { 0x80 } else { 0x01 });
        match everything(&block, &footer(&block)) {
            Ok(_) => {
                let back = flat(&read(&opened(&block), &block, &Projection::All));
                assert_eq!(back, same, "byte {at}");
            }
            Err(error) => {
                refusals.insert(error.to_string());
            }
        }
    }
    let negative = "the footer is damaged: an offset or size is negative";
    assert!(refusals.contains(negative), "{refusals:#?}");
}

#[test]
fn a_damaged_page_is_named() {
    let mut block = BLOCK.clone();
    let opened = opened(&block);
    let projection = Projection::only([takt_trace::Column::Name]);
    let range = opened.ranges(0, &projection, None).unwrap().remove(0);
    let mut bytes = block.data.to_vec();
    bytes[usize::try_from(range.start).unwrap() + 30] ^= 1;
    block.data = bytes.into();
    let whole = Fetched::whole(block.data);
    let error = opened.decode(0, &projection, None, &whole).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the data is damaged in column `name` of row group 0: the checksum of a page does not match"
    );
}

#[test]
fn bytes_that_were_not_fetched_are_asked_for() {
    let opened = opened(&BLOCK);
    let error = opened.decode(0, &Projection::All, None, &Fetched::default());
    let error = error.unwrap_err();
    assert!(matches!(error, Error::NotFetched { .. }), "{error}");
}

#[test]
fn an_index_of_another_block_is_refused() {
    let mut meta = BLOCK.meta.clone();
    meta.block = takt_model::BlockId(uuid::Uuid::nil());
    let error = Opened::parse(meta, &BLOCK.index, &footer(&BLOCK)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the index is damaged in `header`: it belongs to another block"
    );
}
