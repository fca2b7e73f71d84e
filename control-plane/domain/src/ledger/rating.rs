//! What a quantity costs: pure, exact, and with nothing left over.
//!
//! All arithmetic is in integers of 128 bits. The cost of a SKU in a period is computed exactly and rounded
//! once, to the nearest micro-unit, half up. The lines of its tiers are each rounded down, and what is missing to
//! the sum goes, a micro-unit each, to those with the largest remainders (the first of equals): the lines sum to the cost.

use super::Rejection;
use super::card::{Price, Scheme};
use super::money::{Share, divide};
use super::names::Sku;

/// What one tier of a price came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rated {
    /// Counts from 0.
    pub tier: u32,
    pub quantity: u64,
    /// Micro-units for a unit.
    pub unit_price: i64,
    /// Micro-units.
    pub amount: i64,
}

/// Rates a quantity; of included quantities only the share counts that belongs to the part of the period
/// in which service was given.
///
/// # Errors
/// When the amount is beyond what 64 bits hold.
pub fn rate(
    sku: &Sku,
    price: &Price,
    quantity: u64,
    share: Share,
) -> Result<Vec<Rated>, Rejection> {
    let billable = quantity.saturating_sub(share.of_quantity(price.included));
    let parts = match price.scheme {
        Scheme::Graduated => graduated(price, billable),
        Scheme::Volume => volume(price, billable),
    };
    let unit = i128::from(price.unit);
    let exact = |part: &Rated| i128::from(part.quantity) * i128::from(part.unit_price);
    let cost = divide(parts.iter().map(exact).sum(), unit);
    if cost > i128::from(i64::MAX) {
        return Err(Rejection::AmountTooLarge(sku.to_string()));
    }
    let floors: i128 = parts.iter().map(|part| exact(part) / unit).sum();
    let mut missing = cost - floors;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(exact(&parts[*index]) % unit));
    let mut rated = parts.clone();
    for index in order {
        let extra = missing.min(1);
        missing -= extra;
        rated[index].amount = i64::try_from(exact(&parts[index]) / unit + extra)
            .map_err(|_| Rejection::AmountTooLarge(sku.to_string()))?;
    }
    Ok(rated)
}

fn part(tier: usize, quantity: u64, unit_price: i64) -> Rated {
    Rated {
        tier: u32::try_from(tier).unwrap_or(u32::MAX),
        quantity,
        unit_price,
        amount: 0,
    }
}

fn graduated(price: &Price, billable: u64) -> Vec<Rated> {
    let mut floor = 0;
    let mut parts = Vec::new();
    for (index, tier) in price.tiers.iter().enumerate() {
        let ceiling = tier.up_to.unwrap_or(u64::MAX).min(billable);
        if ceiling > floor {
            parts.push(part(index, ceiling - floor, tier.unit_price));
            floor = ceiling;
        }
    }
    parts
}

fn volume(price: &Price, billable: u64) -> Vec<Rated> {
    if billable == 0 {
        return Vec::new();
    }
    let mut tiers = price.tiers.iter().enumerate();
    let found = tiers.find(|(_, tier)| tier.up_to.is_none_or(|up_to| billable <= up_to));
    found
        .map(|(index, tier)| part(index, billable, tier.unit_price))
        .into_iter()
        .collect()
}
