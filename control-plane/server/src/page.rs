//! Lists come in pages.

/// At most so many rows in a page, and as many if nobody says.
pub(crate) const PAGE_MAX: usize = 1000;

/// The size of a page that was asked for.
pub(crate) fn size(asked: u32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => PAGE_MAX,
        Ok(size) => size.min(PAGE_MAX),
    }
}

/// The first `size` of these, and the token of the last of them if there are more.
pub(crate) fn cut<T>(
    rows: impl Iterator<Item = T>,
    size: usize,
    token: impl FnOnce(&T) -> String,
) -> (Vec<T>, String) {
    let mut rows = rows;
    let page: Vec<T> = rows.by_ref().take(size).collect();
    let more = rows.next().is_some();
    let next = page.last().filter(|_| more).map(token);
    (page, next.unwrap_or_default())
}

/// The same of rows that come by rising key: those after `token`, a key.
pub(crate) fn by_key<T>(
    rows: impl Iterator<Item = (String, T)>,
    asked: u32,
    token: &str,
) -> (Vec<T>, String) {
    let rows = rows.skip_while(|(key, _)| key.as_str() <= token);
    let (page, next) = cut(rows, size(asked), |(key, _)| key.clone());
    (page.into_iter().map(|(_, row)| row).collect(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_whether_there_is_another() {
        let token = |row: &u32| row.to_string();
        assert_eq!(cut(0..3, 2, token), (vec![0, 1], "1".to_owned()));
        assert_eq!(cut(0..2, 2, token), (vec![0, 1], String::new()));
        assert_eq!(cut(0..0, 2, token), (vec![], String::new()));
        assert_eq!((size(0), size(7), size(5000)), (PAGE_MAX, 7, PAGE_MAX));
    }

    #[test]
    fn pages_by_key_meet_without_gap_or_overlap() {
        let rows = || ["a", "b", "c"].map(|key| (key.to_owned(), key)).into_iter();
        assert_eq!(by_key(rows(), 2, ""), (vec!["a", "b"], "b".to_owned()));
        assert_eq!(by_key(rows(), 2, "b"), (vec!["c"], String::new()));
        assert_eq!(by_key(rows(), 3, ""), (vec!["a", "b", "c"], String::new()));
        assert_eq!(by_key(rows(), 0, "c"), (vec![], String::new()));
    }
}
