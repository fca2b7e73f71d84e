//! Prices: lists of them with the period they take effect in, and what was agreed with a tenant.

use std::collections::BTreeMap;

use takt_model::{Revision, UnixNano};

use super::names::{CardName, Dimension, Sku};
use super::{Currency, Period, Rejection};

pub const MAX_CARDS: usize = 1024;
/// How many lists of a card with effective dates are kept.
pub const MAX_LISTS: usize = 64;
pub const MAX_SKUS: usize = 64;
pub const MAX_TIERS: usize = 16;
pub const MAX_TERMS: usize = 64;
/// A million is all of it.
pub const ALL_PPM: u32 = 1_000_000;

/// A rate card: which prices hold from which period on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// For ever: a card does not change its currency.
    pub currency: Currency,
    pub lists: BTreeMap<Period, List>,
    pub version: Revision,
}

/// The prices of a card from one period on, until the next list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub prices: BTreeMap<Sku, Price>,
    /// What a full period costs at least, in micro-units.
    pub minimum: i64,
}

/// What a SKU costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// What it counts.
    pub dimension: Dimension,
    /// The quantity a unit price is for: 1,000,000,000 bytes, 3,600 seconds.
    pub unit: u64,
    /// The quantity of a full period that costs nothing; tiers begin after it.
    pub included: u64,
    pub scheme: Scheme,
    /// Rising; the last has no bound.
    pub tiers: Vec<Tier>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Each part of the quantity costs what its tier says.
    Graduated,
    /// All of it costs what the tier of the whole quantity says.
    Volume,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The last quantity in the tier; none for the last tier.
    pub up_to: Option<u64>,
    /// Micro-units for a unit.
    pub unit_price: i64,
}

/// What was agreed with a tenant, from one period on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub card: CardName,
    /// Negotiated: these stand before those of the card.
    pub overrides: BTreeMap<Sku, Price>,
    /// Negotiated: stands before that of the card.
    pub minimum: Option<i64>,
    /// Tax on what is owed, in parts per million.
    pub tax_ppm: u32,
    /// When service began, if within the first period: minimum and included quantities of that period are
    /// owed for the rest of it only.
    pub since: Option<UnixNano>,
}

impl Card {
    /// The prices in force in a period.
    #[must_use]
    pub fn list(&self, period: Period) -> Option<(Period, &List)> {
        let (from, list) = self.lists.range(..=period).next_back()?;
        Some((*from, list))
    }
}

impl List {
    pub(super) fn check(&self) -> Result<(), Rejection> {
        if self.minimum < 0 {
            return Err(Rejection::PriceNegative("minimum".into()));
        }
        check(&self.prices)
    }
}

impl Terms {
    pub(super) fn check(&self, from: Period) -> Result<(), Rejection> {
        if self.tax_ppm > ALL_PPM {
            return Err(Rejection::TaxTooHigh(self.tax_ppm));
        }
        if self.minimum.is_some_and(|minimum| minimum < 0) {
            return Err(Rejection::PriceNegative("minimum".into()));
        }
        if self.since.is_some_and(|since| Period::of(since) != from) {
            return Err(Rejection::SinceOutsidePeriod(from));
        }
        check(&self.overrides)
    }
}

fn check(prices: &BTreeMap<Sku, Price>) -> Result<(), Rejection> {
    if prices.len() > MAX_SKUS {
        return Err(Rejection::TooManySkus(prices.len()));
    }
    prices.iter().try_for_each(|(sku, price)| price.check(sku))
}

impl Price {
    fn check(&self, sku: &Sku) -> Result<(), Rejection> {
        if self.unit == 0 {
            return Err(Rejection::UnitZero(sku.clone()));
        }
        if self.tiers.iter().any(|tier| tier.unit_price < 0) {
            return Err(Rejection::PriceNegative(sku.to_string()));
        }
        if self.tiers.len() > MAX_TIERS {
            return Err(Rejection::TooManyTiers(sku.clone()));
        }
        let Some((last, bounded)) = self.tiers.split_last() else {
            return Err(Rejection::TiersMalformed(sku.clone()));
        };
        let mut floor = 0;
        for tier in bounded {
            match tier.up_to {
                Some(up_to) if up_to > floor => floor = up_to,
                Some(_) | None => return Err(Rejection::TiersMalformed(sku.clone())),
            }
        }
        match last.up_to {
            None => Ok(()),
            Some(_) => Err(Rejection::TiersMalformed(sku.clone())),
        }
    }
}
