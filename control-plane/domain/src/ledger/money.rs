//! Money is a whole number of micro-units: millionths of the unit of a currency. No floats anywhere.

use std::fmt;
use std::str::FromStr;

/// Three capital letters, as in ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency code: three capital letters, as in `EUR`")]
pub struct CurrencyError(String);

impl Currency {
    /// # Errors
    /// When the text is not three capital letters.
    pub fn new(text: &str) -> Result<Self, CurrencyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            Ok(_) | Err(_) => Err(CurrencyError(text.chars().take(16).collect())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn bytes(self) -> [u8; 3] {
        self.0
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        Self::new(text)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

/// A part of a whole, for what is owed by time: `0..=whole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    part: u64,
    whole: u64,
}

impl Share {
    pub const ALL: Self = Self { part: 1, whole: 1 };

    /// `part` of `whole`; more than all is all.
    #[must_use]
    pub fn new(part: u64, whole: u64) -> Self {
        let whole = whole.max(1);
        Self {
            part: part.min(whole),
            whole,
        }
    }

    /// This share of an amount that is not negative, half a micro-unit rounded up.
    #[must_use]
    pub fn of_amount(self, amount: i64) -> i64 {
        let exact = i128::from(amount.max(0)) * i128::from(self.part);
        i64::try_from(divide(exact, i128::from(self.whole))).unwrap_or(i64::MAX)
    }

    /// This share of a quantity, rounded down.
    #[must_use]
    pub fn of_quantity(self, quantity: u64) -> u64 {
        let exact = u128::from(quantity) * u128::from(self.part) / u128::from(self.whole);
        u64::try_from(exact).unwrap_or(u64::MAX)
    }
}

/// The rounding rule, everywhere: to the nearest, half up. Neither number is negative, the second not zero.
pub(super) fn divide(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    // `rest * 2` could overflow, `denominator - rest` cannot.
    if rest >= denominator - rest {
        whole + 1
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::new("EUR").unwrap().to_string(), "EUR");
        for wrong in ["", "eur", "EURO", "E1R", "€"] {
            assert!(Currency::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        for (numerator, denominator, rounded) in
            [(0, 3, 0), (1, 3, 0), (1, 2, 1), (5, 3, 2), (7, 2, 4)]
        {
            assert_eq!(
                divide(numerator, denominator),
                rounded,
                "{numerator}/{denominator}"
            );
        }
        assert_eq!(divide(i128::MAX, i128::MAX), 1);
    }

    #[test]
    fn a_share_is_at_most_all() {
        assert_eq!(Share::new(5, 3).of_amount(100), 100);
        assert_eq!(Share::new(1, 3).of_amount(100), 33);
        assert_eq!(Share::new(2, 3).of_amount(100), 67);
        assert_eq!(Share::new(2, 3).of_quantity(100), 66);
        assert_eq!(Share::new(0, 0).of_amount(100), 0);
    }
}
