//! Every posting of a book carries the hash of the one before it: nothing in between can be changed,
//! left out or put in without every later hash telling.
//!
//! The hash of a posting is SHA-256 over these bytes, numbers big-endian, texts as their length in four
//! bytes and then UTF-8, UUIDs as 16 bytes, currencies as three letters:
//!
//! | bytes | what |
//! |---|---|
//! | 14 | `takt-posting-1` |
//! | 32 | hash of the posting before; zeros before the first |
//! | text | tenant |
//! | 8 | number of the posting, from 1 |
//! | 8 | when it was decided, Unix nanoseconds |
//! | 1 | 1 usage, 2 entry |
//!
//! Usage goes on with: source (text), epoch (8), period (4, see [`Period::number`](super::Period::number)),
//! the period it is late for (4, or 0), number of lines (4), and for each line dimension (text), from (8),
//! to (8), quantity (8).
//!
//! An entry goes on with: cause (1), what it is about, memo (text), number of lines (4), and for each line account
//! (1), the SKU (text) if it is revenue, currency (3), amount (8, two's complement).
//!
//! Causes, with the UUID they are about: 1 credit granted, 2 voided, 3 expired, 4 commitment made, 5 lapsed,
//! 6 invoice finalised, 7 voided, 8 paid, 9 written off; 10 by hand, about nothing; 11 reversal, about the
//! number (8) of a posting. Accounts: 1 receivable, 2 revenue, 3 credits, 4 commitments, 5 tax, 6 write-off,
//! 7 cash, 8 promotions, 9 breakage, 10 adjustments, 11 minimum.

use std::fmt;

use sha2::{Digest as _, Sha256};
use takt_model::{TenantId, UnixNano};

use super::journal::{Account, Cause, Entry};
use super::usage::Usage;

const DOMAIN: &[u8] = b"takt-posting-1";

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Where a chain has come to: the last posting's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    pub number: u64,
    pub hash: Hash,
}

/// One link of a tenant's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Counts from 1, without holes.
    pub number: u64,
    pub at: UnixNano,
    /// Of the posting before.
    pub previous: Hash,
    pub hash: Hash,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Usage(Usage),
    Entry(Entry),
}

/// Where a run of postings does not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("posting `{found}` stands where posting `{expected}` should")]
    Number { expected: u64, found: u64 },
    #[error("posting `{0}` does not follow from the one before it")]
    Previous(u64),
    #[error("posting `{0}` is not what its hash was made of")]
    Hash(u64),
}

impl Head {
    /// The next posting of the chain; the head moves on to it.
    pub(super) fn link(&mut self, tenant: &TenantId, at: UnixNano, what: What) -> Posting {
        let number = self.number + 1;
        let hash = digest(tenant, self.hash, number, at, &what);
        let posting = Posting {
            number,
            at,
            previous: self.hash,
            hash,
            what,
        };
        *self = Self { number, hash };
        posting
    }
}

/// Checks a run of a tenant's postings that follows `before` (the default for the whole chain), and says
/// where the chain has come to with it.
///
/// # Errors
/// At the first posting that does not follow.
pub fn verify<'a>(
    tenant: &TenantId,
    before: Head,
    postings: impl IntoIterator<Item = &'a Posting>,
) -> Result<Head, Broken> {
    let mut head = before;
    for posting in postings {
        let expected = head.number + 1;
        if posting.number != expected {
            return Err(Broken::Number {
                expected,
                found: posting.number,
            });
        }
        if posting.previous != head.hash {
            return Err(Broken::Previous(expected));
        }
        let hash = digest(tenant, head.hash, expected, posting.at, &posting.what);
        if hash != posting.hash {
            return Err(Broken::Hash(expected));
        }
        head = Head {
            number: expected,
            hash,
        };
    }
    Ok(head)
}

fn digest(tenant: &TenantId, previous: Hash, number: u64, at: UnixNano, what: &What) -> Hash {
    let mut bytes = Bytes(Vec::with_capacity(256));
    bytes.0.extend(DOMAIN);
    bytes.0.extend(previous.0);
    bytes.text(tenant.as_str());
    bytes.number(number);
    bytes.number(at.0);
    match what {
        What::Usage(usage) => bytes.usage(usage),
        What::Entry(entry) => bytes.entry(entry),
    }
    Hash(Sha256::digest(&bytes.0).into())
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        // Every list and text of a posting is bounded far below.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.0.extend(count.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }

    fn usage(&mut self, usage: &Usage) {
        self.0.push(1);
        self.text(usage.source.as_str());
        self.number(usage.epoch);
        self.0.extend(usage.period.number().to_be_bytes());
        let late_for = usage.late_for.map_or(0, super::Period::number);
        self.0.extend(late_for.to_be_bytes());
        self.count(usage.lines.len());
        for line in &usage.lines {
            self.text(line.dimension.as_str());
            self.number(line.from);
            self.number(line.to);
            self.number(line.quantity);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.0.push(2);
        self.cause(&entry.cause);
        self.text(&entry.memo);
        self.count(entry.lines.len());
        for line in &entry.lines {
            self.account(&line.account);
            self.0.extend(line.currency.bytes());
            self.0.extend(line.amount.to_be_bytes());
        }
    }

    fn cause(&mut self, cause: &Cause) {
        let (code, about) = match cause {
            Cause::CreditGranted(id) => (1, id),
            Cause::CreditVoided(id) => (2, id),
            Cause::CreditExpired(id) => (3, id),
            Cause::CommitmentMade(id) => (4, id),
            Cause::CommitmentLapsed(id) => (5, id),
            Cause::InvoiceFinalised(id) => (6, id),
            Cause::InvoiceVoided(id) => (7, id),
            Cause::InvoicePaid(id) => (8, id),
            Cause::InvoiceWrittenOff(id) => (9, id),
            Cause::Adjusted => return self.0.push(10),
            Cause::Reversed(number) => {
                self.0.push(11);
                return self.number(*number);
            }
        };
        self.0.push(code);
        self.0.extend(about.as_bytes());
    }

    fn account(&mut self, account: &Account) {
        let code = match account {
            Account::Receivable => 1,
            Account::Revenue(sku) => {
                self.0.push(2);
                return self.text(sku.as_str());
            }
            Account::Credits => 3,
            Account::Commitments => 4,
            Account::Tax => 5,
            Account::WriteOff => 6,
            Account::Cash => 7,
            Account::Promotions => 8,
            Account::Breakage => 9,
            Account::Adjustments => 10,
            Account::Minimum => 11,
        };
        self.0.push(code);
    }
}
