//! What a plain scalar means: YAML 1.2's core schema, with two cautions. A number with leading zeros is a text (`007`,
//! zip codes), and only `true` and `false` are booleans (`no` is Norway).

use super::Value;

/// Reads a scalar that is written without quotes.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true, text.to_owned()),
        "false" | "False" | "FALSE" => Value::Bool(false, text.to_owned()),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|it: char| it.is_ascii_digit() || it == '.') {
        return None;
    }
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if leading_zero {
        return radix(text, digits);
    }
    let known = |it: char| it.is_ascii_digit() || matches!(it, '.' | 'e' | 'E' | '-' | '+');
    if !digits.chars().all(known) {
        return None;
    }
    let text = || text.to_owned();
    if let Ok(number) = text().parse::<i64>() {
        return Some(Value::Int(number, text()));
    }
    let number = text().parse::<f64>().ok().filter(|it| it.is_finite())?;
    Some(Value::Float(number, text()))
}

/// Hexadecimal and octal numbers.
fn radix(text: &str, digits: &str) -> Option<Value> {
    let number = match digits.split_at_checked(2)? {
        ("0x", rest) => i64::from_str_radix(rest, 16),
        ("0o", rest) => i64::from_str_radix(rest, 8),
        _ => return None,
    };
    let sign = if text.starts_with('-') { -1 } else { 1 };
    Some(Value::Int(sign * number.ok()?, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_people_expect() {
        let kind = |text| match plain(text) {
            Value::Null => "null",
            Value::Bool(..) => "bool",
            Value::Int(..) => "int",
            Value::Float(..) => "float",
            _ => "text",
        };
        for text in ["", "~", "null"] {
            assert_eq!(kind(text), "null", "{text}");
        }
        for text in ["0", "42", "-3", "+7", "0x1f", "0o17"] {
            assert_eq!(kind(text), "int", "{text}");
        }
        for text in ["0.5", "1e3", ".5", "99999999999999999999"] {
            assert_eq!(kind(text), "float", "{text}");
        }
        for text in
            ["007", "yes", "no", "on", "2026-03-01", "1.2.3", ".inf", ".nan", "1e999", "-", "30s"]
        {
            assert_eq!(kind(text), "text", "{text}");
        }
    }
}
