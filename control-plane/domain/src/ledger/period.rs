//! What is billed together: a month of the calendar, in UTC.

use std::fmt;
use std::str::FromStr;

use takt_model::UnixNano;

const DAY: u64 = 86_400;

/// A month, counted from January of the year 0. Periods are half open: a period ends where the next begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u32);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a period: a year from 1970 to 2553 and a month, as in `2026-11`")]
pub struct PeriodError(String);

impl Period {
    const FIRST: u32 = 1970 * 12;
    const LAST: u32 = 2553 * 12 + 11;

    /// The month a moment is in.
    #[must_use]
    pub fn of(moment: UnixNano) -> Self {
        let (year, month) = civil(moment.as_secs() / DAY);
        Self((year * 12 + month).min(Self::LAST))
    }

    /// From [`Self::number`].
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        (Self::FIRST..=Self::LAST)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Twelve times the year plus the months that have passed in it; the stored form.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(Self::LAST))
    }

    #[must_use]
    pub fn start(self) -> UnixNano {
        UnixNano::from_secs(days_before(self.0) * DAY)
    }

    #[must_use]
    pub fn end(self) -> UnixNano {
        UnixNano::from_secs(days_before(self.0 + 1) * DAY)
    }
}

/// Days from 1970-01-01 to the first day of a month. After H. Hinnant, "chrono-compatible low-level date
/// algorithms": the year begins in March, so that the leap day is its last.
fn days_before(months: u32) -> u64 {
    let (year, month) = (u64::from(months / 12), u64::from(months % 12));
    let (year, shifted) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * shifted + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year and month (from 0) of a day counted from 1970-01-01.
fn civil(day: u64) -> (u32, u32) {
    let day = day + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (year, month) = (era * 400 + year_of_era, (shifted + 2) % 12);
    let year = if month < 2 { year + 1 } else { year };
    // A moment reaches to the year 2554.
    (
        u32::try_from(year).unwrap_or(2553),
        u32::try_from(month).unwrap_or(11),
    )
}

impl FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let wrong = || PeriodError(text.chars().take(16).collect());
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(wrong());
        }
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            return Err(wrong());
        }
        let year: u32 = year.parse().map_err(|_| wrong())?;
        let month: u32 = month.parse().map_err(|_| wrong())?;
        if !(1..=12).contains(&month) {
            return Err(wrong());
        }
        Self::from_number(year * 12 + month - 1).ok_or_else(wrong)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Period({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_ends_where_the_next_begins_and_holds_its_moments() {
        for number in Period::FIRST..=Period::LAST {
            let period = Period(number);
            assert_eq!(Period::of(period.start()), period);
            assert_eq!(Period::of(UnixNano(period.end().0 - 1)), period);
            if period.next() != period {
                assert_eq!(period.end(), period.next().start());
            }
            assert_eq!(period.to_string().parse(), Ok(period));
        }
    }

    #[test]
    fn known_months_are_where_they_should_be() {
        let start = |text: &str| text.parse::<Period>().unwrap().start().as_secs();
        assert_eq!(start("1970-01"), 0);
        assert_eq!(start("2000-03"), 951_868_800);
        assert_eq!(start("2026-11"), 1_793_491_200);
        for wrong in [
            "", "2026", "2026-13", "2026-00", "26-11", "2026-1", "1969-12", "+026-11",
        ] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }
}
