//! The links of a tenant's chain.

use takt_domain::ledger::chain::{Hash, Posting, What};
use takt_domain::ledger::journal::{Cause, Entry};
use takt_domain::ledger::usage::{Line, Usage};
use takt_model::UnixNano;
use takt_wire::takt::control::log::v1 as stored;
use uuid::Uuid;

use super::values::{ValueError, dimension, line_from, line_to, period, some, source, uuid};

type Result<T> = std::result::Result<T, ValueError>;

/// As it is stored, and shown.
#[must_use]
pub fn posting_to(posting: &Posting) -> stored::Posting {
    use stored::posting::What as To;
    let what = match &posting.what {
        What::Usage(usage) => To::Usage(usage_to(usage)),
        What::Entry(entry) => To::Entry(entry_to(entry)),
    };
    stored::Posting {
        number: posting.number,
        at: posting.at.0,
        previous: posting.previous.0.to_vec(),
        hash: posting.hash.0.to_vec(),
        what: Some(what),
    }
}

/// # Errors
/// When something is missing or not legal. Whether it holds together with others says
/// [`verify`](takt_domain::ledger::chain::verify).
pub fn posting_from(posting: stored::Posting) -> Result<Posting> {
    use stored::posting::What as From;
    Ok(Posting {
        number: posting.number,
        at: UnixNano(posting.at),
        previous: hash(&posting.previous, "previous")?,
        hash: hash(&posting.hash, "hash")?,
        what: match some(posting.what, "what")? {
            From::Usage(usage) => What::Usage(usage_from(usage)?),
            From::Entry(entry) => What::Entry(entry_from(entry)?),
        },
    })
}

pub(super) fn hash(bytes: &[u8], field: &'static str) -> Result<Hash> {
    let bytes = bytes
        .try_into()
        .map_err(|_| ValueError::of(field, "a hash has 32 bytes"))?;
    Ok(Hash(bytes))
}

fn usage_to(usage: &Usage) -> stored::PostedUsage {
    let lines = usage.lines.iter().map(|line| stored::UsageLine {
        dimension: line.dimension.to_string(),
        from: line.from,
        to: line.to,
        quantity: line.quantity,
    });
    stored::PostedUsage {
        source: usage.source.to_string(),
        epoch: usage.epoch,
        period: usage.period.number(),
        late_for: usage.late_for.map(takt_domain::ledger::Period::number),
        lines: lines.collect(),
    }
}

fn usage_from(usage: stored::PostedUsage) -> Result<Usage> {
    let lines = usage.lines.into_iter().map(|line| {
        Ok(Line {
            dimension: dimension(&line.dimension)?,
            from: line.from,
            to: line.to,
            quantity: line.quantity,
        })
    });
    Ok(Usage {
        source: source(&usage.source)?,
        epoch: usage.epoch,
        period: period(usage.period, "period")?,
        late_for: usage
            .late_for
            .map(|number| period(number, "late_for"))
            .transpose()?,
        lines: lines.collect::<Result<_>>()?,
    })
}

fn entry_to(entry: &Entry) -> stored::PostedEntry {
    use stored::EntryCause as To;
    let (cause, about, reversed) = match &entry.cause {
        Cause::CreditGranted(id) => (To::CreditGranted, Some(id), 0),
        Cause::CreditVoided(id) => (To::CreditVoided, Some(id), 0),
        Cause::CreditExpired(id) => (To::CreditExpired, Some(id), 0),
        Cause::CommitmentMade(id) => (To::CommitmentMade, Some(id), 0),
        Cause::CommitmentLapsed(id) => (To::CommitmentLapsed, Some(id), 0),
        Cause::InvoiceFinalised(id) => (To::InvoiceFinalised, Some(id), 0),
        Cause::InvoiceVoided(id) => (To::InvoiceVoided, Some(id), 0),
        Cause::InvoicePaid(id) => (To::InvoicePaid, Some(id), 0),
        Cause::InvoiceWrittenOff(id) => (To::InvoiceWrittenOff, Some(id), 0),
        Cause::Adjusted => (To::Adjusted, None, 0),
        Cause::Reversed(number) => (To::Reversed, None, *number),
    };
    stored::PostedEntry {
        cause: cause.into(),
        about: about.map_or_else(Vec::new, |id: &Uuid| id.as_bytes().to_vec()),
        reversed,
        memo: entry.memo.clone(),
        lines: entry.lines.iter().map(line_to).collect(),
    }
}

fn entry_from(entry: stored::PostedEntry) -> Result<Entry> {
    use stored::EntryCause as From;
    let about = || uuid(&entry.about, "about");
    let cause = match From::try_from(entry.cause) {
        Ok(From::CreditGranted) => Cause::CreditGranted(about()?),
        Ok(From::CreditVoided) => Cause::CreditVoided(about()?),
        Ok(From::CreditExpired) => Cause::CreditExpired(about()?),
        Ok(From::CommitmentMade) => Cause::CommitmentMade(about()?),
        Ok(From::CommitmentLapsed) => Cause::CommitmentLapsed(about()?),
        Ok(From::InvoiceFinalised) => Cause::InvoiceFinalised(about()?),
        Ok(From::InvoiceVoided) => Cause::InvoiceVoided(about()?),
        Ok(From::InvoicePaid) => Cause::InvoicePaid(about()?),
        Ok(From::InvoiceWrittenOff) => Cause::InvoiceWrittenOff(about()?),
        Ok(From::Adjusted) => Cause::Adjusted,
        Ok(From::Reversed) => Cause::Reversed(entry.reversed),
        Ok(From::Unspecified) | Err(_) => return Err(ValueError::Missing("cause")),
    };
    Ok(Entry {
        cause,
        memo: entry.memo,
        lines: entry.lines.iter().map(line_from).collect::<Result<_>>()?,
    })
}
