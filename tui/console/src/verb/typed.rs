//! What is typed into a dialog: a comment, for how long, with which parameters.

use std::time::Duration;

use shared::request::Request;
use shared::time::Timestamp;

/// The same request with what was typed into the dialog.
pub(crate) fn completed(
    request: &Request,
    comment: Option<String>,
    until: Option<Timestamp>,
    params: &[(String, String)],
) -> Request {
    let mut request = request.clone();
    match &mut request {
        Request::Run { params: into, .. } => {
            *into =
                params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        }
        Request::Pause { until: into, comment: said, .. } => {
            *into = until;
            *said = comment;
        }
        Request::Cancel { comment: said, .. }
        | Request::Retry { comment: said, .. }
        | Request::RetryWith { comment: said, .. }
        | Request::Edit { comment: said, .. }
        | Request::ReleaseRun { comment: said, .. }
        | Request::MapWidth { comment: said, .. }
        | Request::Decide { comment: said, .. }
        | Request::Resume { comment: said, .. }
        | Request::Drain { comment: said, .. }
        | Request::ResizePool { comment: said, .. }
        | Request::ResizeResource { comment: said, .. }
        | Request::SetDeadline { comment: said, .. }
        | Request::Hold { comment: said, .. }
        | Request::Release { comment: said, .. }
        | Request::Skip { comment: said, .. }
        | Request::Mark { comment: said, .. }
        | Request::Requeue { comment: said, .. }
        | Request::Prioritize { comment: said, .. }
        | Request::Rollback { comment: said, .. } => *said = comment,
    }
    request
}

/// The end of a pause that lasts as long as the text says; `None` where it says nothing: until it is resumed.
pub(crate) fn until(text: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    match text.trim() {
        "" | "resumed" => Ok(None),
        text => {
            let span = shared::time::parse_duration(text).map_err(|it| it.to_string())?;
            if span < Duration::from_secs(1) {
                return Err("the pause is over at once".to_owned());
            }
            Ok(Some(now + span))
        }
    }
}

/// `k=v k2="a b"` as names and values.
pub(crate) fn params(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for character in text.chars() {
        match (character, quote) {
            (it, Some(open)) if it == open => quote = None,
            ('"' | '\'', None) => (quote, any) = (Some(character), true),
            (' ', None) => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (it, _) => {
                word.push(it);
                any = true;
            }
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(any.then_some(word));
    let pair = |it: String| match it.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{it}` is not name=value")),
    };
    words.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_pairs_and_may_be_quoted() {
        let pairs = params(r#"day=2026-11-25 note="a b"  x='' "#).expect("they are pairs");
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("day", "2026-11-25"), ("note", "a b"), ("x", "")]);
        assert!(params("a").is_err() && params("=b").is_err() && params("a=\"b").is_err());
        assert_eq!(params("  "), Ok(Vec::new()));
    }

    #[test]
    fn a_pause_lasts_as_long_as_is_said() {
        let now = Timestamp::from_millis(0);
        assert_eq!(until("2h", now), Ok(Some(Timestamp::from_millis(7_200_000))));
        assert_eq!(until(" ", now), Ok(None));
        assert!(until("soon", now).is_err() && until("1ms", now).is_err());
    }
}
