//! One business day, cut out of a file of many.

/// The header of a CSV file and its lines whose `column` is `day`. Empty where there is no such column.
pub(super) fn cut(csv: &str, column: &str, day: &str) -> String {
    let mut lines = csv.lines();
    let Some(header) = lines.next() else { return String::new() };
    let Some(at) = fields(header).iter().position(|it| it == column) else { return String::new() };
    let of_day = lines.filter(|line| fields(line).get(at).is_some_and(|it| it == day));
    std::iter::once(header).chain(of_day).flat_map(|line| [line, "\n"]).collect()
}

/// The fields of a line; in quotes a comma is text, and a doubled quote is one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            // The second of two quotes opens again what the first has closed, and so stands for one.
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("there is always a field").push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::files::SALES;

    #[test]
    fn commas_in_quotes_do_not_shift_the_column() {
        let csv = "Name,Order Date\n\"a, 2017-12-22\",2017-12-23\n\"b, c\",2017-12-22\n";
        assert_eq!(cut(csv, "Order Date", "2017-12-22"), "Name,Order Date\n\"b, c\",2017-12-22\n");
        assert_eq!(cut(csv, "Day", "2017-12-22"), "");
        assert_eq!(cut("", "Day", "2017-12-22"), "");
    }

    #[test]
    fn the_day_of_the_demo_has_sales() {
        let sales = str::from_utf8(SALES).expect("the sample data is text");
        let day = cut(sales, "Order Date", super::super::DAY);
        assert!(day.lines().count() > 20, "{day}");
        assert!(day.lines().skip(1).all(|it| it.contains(",2017-12-22,")));
    }
}
