//! Lengths of time as people write them: a number of seconds, or numbers with their units.

use std::time::Duration;

use jiff::SignedDuration;

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: for example 90, 500ms, 2m")]
pub struct DurationError(String);

/// Reads a length of time.
///
/// ```
/// use std::time::Duration;
/// use limbeck::duration::parse;
///
/// assert_eq!(parse("90"), Ok(Duration::from_secs(90)));
/// assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
/// assert_eq!(parse("1h 30m"), Ok(Duration::from_secs(5400)));
/// assert!(parse("-1s").is_err());
/// assert!(parse("soon").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let wrong = || DurationError(text.to_owned());
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let time: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| wrong())
}
