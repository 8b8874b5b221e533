//! The retail day, told by the tests themselves: the sample data read and added up in another way than the scripts do.
//!
//! Each line is rounded to the cent, halves away from zero, and only then summed (`workflows/scripts/returns.sh`). Here
//! amounts are exact decimals in an `i128` of 10⁻⁶, read from their digits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use e2e::{Site, programs};

const MICROS: i128 = 1_000_000;

/// An order line.
#[derive(Clone, Debug)]
pub(crate) struct Sale {
    pub(crate) order: String,
    pub(crate) region: String,
    pub(crate) product: String,
    pub(crate) revenue_cents: i64,
    pub(crate) profit_cents: i64,
    pub(crate) units: i64,
    pub(crate) is_adjustment: bool,
}

/// What a set of lines comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Figures {
    pub(crate) revenue_cents: i64,
    pub(crate) profit_cents: i64,
    pub(crate) units: i64,
    pub(crate) lines: i64,
    pub(crate) orders: i64,
}

impl Figures {
    /// Adds up.
    pub(crate) fn of<'a>(sales: impl Iterator<Item = &'a Sale> + Clone) -> Self {
        let orders: BTreeSet<&str> = sales.clone().map(|it| it.order.as_str()).collect();
        let count = |count: usize| i64::try_from(count).expect("a day has few lines");
        Self {
            revenue_cents: sales.clone().map(|it| it.revenue_cents).sum(),
            profit_cents: sales.clone().map(|it| it.profit_cents).sum(),
            units: sales.clone().map(|it| it.units).sum(),
            lines: count(sales.count()),
            orders: count(orders.len()),
        }
    }
}

/// The lines of a day.
pub(crate) fn of_day(date: &str) -> Vec<Sale> {
    let text = sample();
    let mut rows = text.lines().map(split);
    let head = rows.next().expect("the file has a head");
    let rows = rows.map(|row| head.iter().cloned().zip(row).collect::<BTreeMap<_, _>>());
    rows.filter(|row| row["Order Date"] == date).map(|row| sale(&row)).collect()
}

/// Those of a region.
pub(crate) fn of_region<'a>(
    sales: &'a [Sale],
    region: &'a str,
) -> impl Iterator<Item = &'a Sale> + Clone {
    sales.iter().filter(move |it| it.region == region)
}

/// Puts the day's file where the workflow waits for it.
pub(crate) fn deliver(site: &Site, date: &str) {
    let text = sample();
    let mut lines = text.lines();
    let mut day = format!("{}\n", lines.next().expect("the file has a head"));
    let of_day = |line: &&str| split(line)[2] == date;
    lines.filter(of_day).for_each(|line| day.push_str(&format!("{line}\n")));
    site.write(&format!("data/pos/{date}.csv"), &day);
}

/// Cents as pages write them: `$1,234.56`, with a minus sign before the dollar.
pub(crate) fn money(cents: i64) -> String {
    let whole = (cents.abs() / 100).to_string();
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if cents < 0 { "−" } else { "" };
    format!("{sign}${grouped}.{:02}", cents.abs() % 100)
}

fn sample() -> String {
    let path = programs::repository().join("workflows/data/superstore-2017-11-12.csv");
    fs::read_to_string(path).expect("the sample data is there")
}

fn sale(row: &BTreeMap<String, String>) -> Sale {
    let revenue_cents = cents(micros(&row["Sales"]));
    let profit = micros(&row["Profit"]);
    let is_adjustment = row["Quantity"].starts_with('-')
        || revenue_cents < 0
        || micros(&row["Discount"]) >= MICROS / 2
        || profit < 0;
    Sale {
        order: row["Order ID"].clone(),
        region: row["Region"].clone(),
        product: row["Product ID"].clone(),
        revenue_cents,
        profit_cents: cents(profit),
        units: row["Quantity"].parse().expect("a quantity is a whole number"),
        is_adjustment,
    }
}

/// A decimal number in millionths, exactly.
fn micros(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |it| (-1, it));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(fraction.len() <= 6, "`{text}` has more than six decimals");
    let number = |it: &str| it.parse::<i128>().expect("an amount has only digits");
    sign * (number(whole) * MICROS + number(&format!("{fraction:0<6}")))
}

/// Rounded to the cent, halves away from zero.
fn cents(micros: i128) -> i64 {
    let unit = MICROS / 100;
    let rounded = (micros.abs() + unit / 2) / unit * micros.signum();
    i64::try_from(rounded).expect("an amount is small")
}

/// A line of CSV. The sample has quotes in no field, which is checked.
fn split(line: &str) -> Vec<String> {
    assert!(!line.contains('"'), "the sample has no quoted fields: {line}");
    line.split(',').map(str::to_owned).collect()
}
