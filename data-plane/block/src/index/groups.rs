//! The row groups: rows, traces, times for pruning, and a checksum for every page.

use takt_model::{TimeRange, UnixNano};

use crate::Error;
use crate::codec::{In, Out};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) rows: u32,
    pub(crate) traces: u32,
    /// Earliest span start and latest span end.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The longest duration of a span.
    pub(crate) duration_max: u64,
    /// For each leaf column its dictionary page (if it has one) and its data pages, in file order.
    pub(crate) pages: Vec<Vec<Seal>>,
}

/// What is known of a page without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    /// The CRC-32 of the page with its header.
    pub(crate) crc: u32,
    /// Whether a row of the page has a value. False for dictionaries.
    pub(crate) values: bool,
}

impl Group {
    pub(crate) fn times(&self) -> TimeRange {
        TimeRange {
            start: UnixNano(self.start),
            end: UnixNano(self.end),
        }
    }
}

pub(crate) fn put(groups: &[Group]) -> Vec<u8> {
    let mut out = Out::default();
    out.size(groups.len());
    for group in groups {
        out.number(u64::from(group.rows));
        out.number(u64::from(group.traces));
        out.number(group.start);
        out.number(group.end);
        out.number(group.duration_max);
        out.size(group.pages.len());
        for pages in &group.pages {
            out.size(pages.len());
            for page in pages {
                out.byte(u8::from(page.values));
            }
            for page in pages {
                out.raw(&page.crc.to_le_bytes());
            }
        }
    }
    out.0
}

pub(crate) fn take(bytes: &[u8]) -> Result<Vec<Group>, Error> {
    let mut input = In::new("groups", bytes);
    let count = input.count(6)?;
    let groups = (0..count)
        .map(|_| take_group(&mut input))
        .collect::<Result<_, _>>()?;
    input.end()?;
    Ok(groups)
}

fn take_group(input: &mut In<'_>) -> Result<Group, Error> {
    Ok(Group {
        rows: input.number32()?,
        traces: input.number32()?,
        start: input.number()?,
        end: input.number()?,
        duration_max: input.number()?,
        pages: take_pages(input)?,
    })
}

fn take_pages(input: &mut In<'_>) -> Result<Vec<Vec<Seal>>, Error> {
    let columns = input.count(1)?;
    (0..columns)
        .map(|_| {
            let pages = input.count(5)?;
            let values = input.raw(pages)?;
            values
                .iter()
                .map(|values| {
                    Ok(Seal {
                        crc: u32::from_le_bytes(input.array()?),
                        values: *values != 0,
                    })
                })
                .collect()
        })
        .collect()
}
