//! Usage, posted once: each source counts its own offsets, and a range of them counts once.
//!
//! A mark per (source, dimension) of a book says how far the source has come in its epoch. Ranges join on
//! to it; what lies behind it was posted before. A source that starts over begins a new epoch at offset
//! 0, after it has posted what was left of the one before.

use std::collections::BTreeMap;

use takt_model::{TenantId, UnixNano};

use super::chain::{Head, What};
use super::names::{Dimension, Source};
use super::rules::known;
use super::{Book, Event, Period, Rejection};
use crate::{Facts, State};

/// How many ranges a report may have.
pub const MAX_RANGES: usize = 1000;
/// How many dimensions a period of a book may have.
pub const MAX_DIMENSIONS: usize = 64;
/// How many marks a book may have.
pub const MAX_MARKS: usize = 16_384;
/// How many periods of a book may be open.
pub const MAX_OPEN_PERIODS: usize = 36;
/// How far ahead of the control plane a source's clock may be: a day.
const AHEAD_NANOS: u64 = 86_400_000_000_000;

/// One range of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub tenant: TenantId,
    pub dimension: Dimension,
    /// The first offset of the range.
    pub from: u64,
    /// The first offset after it.
    pub to: u64,
    /// How much of the dimension lies in the range.
    pub quantity: u64,
    /// When it was used: it decides the period.
    pub used_at: UnixNano,
}

/// What a source reported of one tenant and period: a posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub source: Source,
    pub epoch: u64,
    /// The period it counts in.
    pub period: Period,
    /// The period it would have counted in, were that not closed.
    pub late_for: Option<Period>,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub dimension: Dimension,
    pub from: u64,
    pub to: u64,
    pub quantity: u64,
}

/// How far a source has come with a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub epoch: u64,
    /// The last range, so that the same range with another quantity is noticed.
    pub from: u64,
    /// The offset the next range begins at.
    pub to: u64,
    pub quantity: u64,
}

/// What becomes of one range.
enum Verdict {
    Next,
    Seen,
}

/// A book while a report is taken in.
struct Draft<'a> {
    book: &'a Book,
    marks: BTreeMap<Dimension, Mark>,
    totals: BTreeMap<(Period, Dimension), u64>,
    /// By the period it counts in and the one it is late for.
    lines: BTreeMap<(Period, Option<Period>), Vec<Line>>,
}

pub(super) fn post(
    state: &State,
    source: &Source,
    epoch: u64,
    ranges: &[Range],
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    if ranges.len() > MAX_RANGES {
        return Err(Rejection::ReportTooLong(ranges.len()));
    }
    if let Some(retired) = state.ledger.retired.get(source)
        && epoch <= *retired
    {
        return Err(Rejection::EpochClosed {
            by: source.clone(),
            asked: epoch,
            current: retired.saturating_add(1),
        });
    }
    let empty = Book::default();
    let mut drafts: BTreeMap<&TenantId, Draft<'_>> = BTreeMap::new();
    for range in ranges {
        let draft = match drafts.get_mut(&range.tenant) {
            Some(draft) => draft,
            None => {
                known(state, &range.tenant)?;
                let book = state.ledger.books.get(&range.tenant);
                drafts
                    .entry(&range.tenant)
                    .or_insert_with(|| Draft::new(book.map_or(&empty, |book| book)))
            }
        };
        draft.take(source, epoch, range, facts)?;
    }
    drafts
        .into_iter()
        .map(|(tenant, draft)| draft.finish(tenant, source, epoch, facts))
        .try_fold(Vec::new(), |mut events, more| {
            events.extend(more?);
            Ok(events)
        })
}

impl<'a> Draft<'a> {
    fn new(book: &'a Book) -> Self {
        Self {
            book,
            marks: BTreeMap::new(),
            totals: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    fn take(
        &mut self,
        source: &Source,
        epoch: u64,
        range: &Range,
        facts: &Facts,
    ) -> Result<(), Rejection> {
        let mark = self.marks.get(&range.dimension).or_else(|| {
            let key = (source.clone(), range.dimension.clone());
            self.book.marks.get(&key)
        });
        match place(source, epoch, range, mark)? {
            Verdict::Seen => return Ok(()),
            Verdict::Next => {}
        }
        let (period, late_for) = self.period(range.used_at, facts)?;
        let key = (period, range.dimension.clone());
        let before = self.totals.get(&key).copied().unwrap_or_else(|| {
            let usage = self.book.usage.get(&period);
            usage
                .and_then(|usage| usage.get(&key.1).copied())
                .unwrap_or_default()
        });
        let total = before
            .checked_add(range.quantity)
            .ok_or_else(|| Rejection::QuantityTooLarge(range.dimension.clone()))?;
        self.totals.insert(key, total);
        self.marks.insert(
            range.dimension.clone(),
            Mark {
                epoch,
                from: range.from,
                to: range.to,
                quantity: range.quantity,
            },
        );
        self.lines
            .entry((period, late_for))
            .or_default()
            .push(Line {
                dimension: range.dimension.clone(),
                from: range.from,
                to: range.to,
                quantity: range.quantity,
            });
        Ok(())
    }

    /// What is late for a closed period counts in the next one, and says so.
    fn period(
        &self,
        used_at: UnixNano,
        facts: &Facts,
    ) -> Result<(Period, Option<Period>), Rejection> {
        if used_at.0 > facts.at.0.saturating_add(AHEAD_NANOS) {
            return Err(Rejection::UsageFromTheFuture);
        }
        let period = Period::of(used_at);
        Ok(match self.book.closed_through {
            Some(closed) if period <= closed => (closed.next(), Some(period)),
            Some(_) | None => (period, None),
        })
    }

    fn finish(
        self,
        tenant: &TenantId,
        source: &Source,
        epoch: u64,
        facts: &Facts,
    ) -> Result<Vec<Event>, Rejection> {
        self.bounded(tenant, source)?;
        let mut head: Head = self.book.head;
        Ok(self
            .lines
            .into_iter()
            .map(|((period, late_for), lines)| {
                let usage = Usage {
                    source: source.clone(),
                    epoch,
                    period,
                    late_for,
                    lines,
                };
                let posting = head.link(tenant, facts.at, What::Usage(usage));
                Event::Posted {
                    tenant: tenant.clone(),
                    posting,
                }
            })
            .collect())
    }

    fn bounded(&self, tenant: &TenantId, source: &Source) -> Result<(), Rejection> {
        let fresh = |dimension: &&Dimension| {
            let key = (source.clone(), (*dimension).clone());
            !self.book.marks.contains_key(&key)
        };
        if self.book.marks.len() + self.marks.keys().filter(fresh).count() > MAX_MARKS {
            return Err(Rejection::TooManySources(tenant.clone()));
        }
        let open = self.book.open_periods().count();
        let mut fresh: BTreeMap<Period, usize> = BTreeMap::new();
        for (period, dimension) in self.totals.keys() {
            let usage = self.book.usage.get(period);
            let count = fresh
                .entry(*period)
                .or_insert_with(|| usage.map_or(0, |usage| usage.len()));
            if usage.is_none_or(|usage| !usage.contains_key(dimension)) {
                *count += 1;
            }
            if *count > MAX_DIMENSIONS {
                return Err(Rejection::TooManyDimensions(tenant.clone()));
            }
        }
        let opened = fresh
            .keys()
            .filter(|period| !self.book.usage.contains_key(*period));
        if open + opened.count() > MAX_OPEN_PERIODS {
            return Err(Rejection::TooManyOpenPeriods(tenant.clone()));
        }
        Ok(())
    }
}

/// Whether a range joins on, or was posted before.
fn place(
    source: &Source,
    epoch: u64,
    range: &Range,
    mark: Option<&Mark>,
) -> Result<Verdict, Rejection> {
    if range.from >= range.to {
        return Err(Rejection::RangeEmpty {
            from: range.from,
            to: range.to,
        });
    }
    let expected = match mark {
        Some(mark) if epoch < mark.epoch => {
            return Err(Rejection::EpochClosed {
                by: source.clone(),
                asked: epoch,
                current: mark.epoch,
            });
        }
        Some(mark) if epoch == mark.epoch => {
            if range.to <= mark.to {
                return seen(range, mark);
            }
            mark.to
        }
        Some(_) | None => 0,
    };
    if range.from == expected {
        return Ok(Verdict::Next);
    }
    Err(Rejection::RangeMisplaced {
        by: source.clone(),
        epoch,
        tenant: range.tenant.clone(),
        dimension: range.dimension.clone(),
        from: range.from,
        to: range.to,
        expected,
    })
}

fn seen(range: &Range, mark: &Mark) -> Result<Verdict, Rejection> {
    if (range.from, range.to) == (mark.from, mark.to) && range.quantity != mark.quantity {
        return Err(Rejection::RangeDiffers {
            from: range.from,
            to: range.to,
            posted: mark.quantity,
            asked: range.quantity,
        });
    }
    Ok(Verdict::Seen)
}
