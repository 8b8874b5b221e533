//! The retail day: its figures, its branches, and its ends.

use std::fs;

use e2e::{Site, wait};
use serde_json::Value;

use crate::sales::{self, Figures, Sale};

const RETAIL: &str = "retail-daily-sales";
const REGIONS: [&str; 4] = ["Central", "East", "South", "West"];

#[test]
fn a_day_is_analysed_to_the_cent_and_published_once_a_person_agrees() {
    let date = "2017-12-22";
    let (site, run) = asked(date);
    let approvals = site.runyard(&["approvals", "--json"]).expect(0).json();
    let sales = sales::of_day(date);
    let all = Figures::of(sales.iter());
    let adjustments = sales.iter().filter(|it| it.is_adjustment).count();
    let question = format!(
        "Publish the sales of {date}: {}.{:02} USD, {adjustments} adjustments?",
        all.revenue_cents / 100,
        all.revenue_cents % 100
    );
    assert_eq!(approvals[0]["message"], question.as_str());
    let index = pages(&site, date).join("index.html");
    assert!(!index.exists(), "nothing is published before a person agrees");

    let view = approved(&site, &run);
    assert_eq!(view["state"], "succeeded", "{view:#}");
    compare_outputs(&site, &run, &sales);
    compare_pages(&site, date, &sales);
    let exceptions = read(&site, date, "exceptions.csv");
    assert_eq!(exceptions.lines().count(), 1 + adjustments, "{exceptions}");
    assert!(read(&site, date, "index.html").contains("exceptions.html"));
}

#[test]
fn a_day_without_adjustments_has_no_report_of_them() {
    let date = "2017-12-24";
    let (site, run) = asked(date);
    let view = approved(&site, &run);
    let sales = sales::of_day(date);
    assert!(sales.iter().all(|it| !it.is_adjustment), "the sample has none on this day");
    assert_eq!(view["state"], "succeeded", "{view:#}");
    assert_eq!(site.task(&run, "exceptions")["state"], "skipped");
    compare_outputs(&site, &run, &sales);
    compare_pages(&site, date, &sales);
    assert!(!pages(&site, date).join("exceptions.html").exists());
    assert!(!read(&site, date, "index.html").contains("exceptions.html"));
}

#[test]
fn a_region_without_sales_has_zeros_and_a_page_that_says_so() {
    let date = "2017-12-08";
    let (site, run) = asked(date);
    let sales = sales::of_day(date);
    let without = |it: &&&str| sales::of_region(&sales, it).next().is_none();
    let empty = REGIONS.iter().find(without).expect("the sample has such a region");
    let view = approved(&site, &run);
    assert!(["succeeded", "partial"].contains(&view["state"].as_str().unwrap_or_default()));
    let outputs = site.task(&run, &format!("store_metrics:{empty}"))["outputs"].clone();
    assert_eq!((&outputs["lines"], &outputs["revenue_cents"]), (&0.into(), &0.into()));
    assert!(read(&site, date, &format!("{empty}.html")).contains("No sales on this day."));
    compare_outputs(&site, &run, &sales);
    compare_pages(&site, date, &sales);
}

#[test]
fn a_day_of_too_many_adjustments_is_published_with_a_warning_and_ends_partial() {
    let date = "2017-12-19";
    let (site, run) = asked(date);
    let sales = sales::of_day(date);
    let adjustments = sales.iter().filter(|it| it.is_adjustment).count();
    assert!(adjustments * 10 > sales.len() * 3, "the sample has many on this day");
    let quality = site.task(&run, "quality");
    assert_eq!(quality["state"], "succeeded");
    assert_eq!(quality["warnings"].as_array().map(Vec::len), Some(1), "{quality:#}");
    let view = approved(&site, &run);
    assert_eq!(view["state"], "partial", "{view:#}");
    compare_outputs(&site, &run, &sales);
    compare_pages(&site, date, &sales);
}

#[test]
fn a_rejected_day_publishes_nothing_and_says_who_rejected_it() {
    let date = "2017-12-22";
    let mut site = Site::examples();
    site.start_daemon();
    sales::deliver(&site, date);
    let param = format!("business_date={date}");
    let waiter = site.in_background(&["run", RETAIL, "--param", &param, "--wait", "--json"]);
    let latest = format!("@latest:{RETAIL}");
    wait::for_that("the question is asked", || {
        let approvals = site.runyard(&["approvals", "--json"]).expect(0).json();
        approvals.as_array().is_some_and(|it| !it.is_empty())
    });
    site.runyard(&["reject", &latest, "publish_ok", "--comment", "the South is wrong"]).expect(0);
    let output = waiter.join().expect(12);
    assert_eq!(output.json()["state"], "failed");
    assert_eq!(site.task(&latest, "publish_ok")["outcome"], "rejected");
    assert_eq!(site.task(&latest, "cleanup")["state"], "succeeded");
    assert!(!pages(&site, date).join("index.html").exists());
    let why = site.runyard(&["why", &latest]).expect(0).stdout;
    assert!(why.contains("the South is wrong"), "{why}");
}

#[test]
fn the_day_waits_for_its_file_and_says_so() {
    let date = "2017-12-22";
    let mut site = Site::examples();
    site.start_daemon();
    let run = site.run(&[RETAIL]);
    site.wait_for_task(&run, "wait_for_sales", "running");
    let why = site.runyard(&["why", &run, "wait_for_sales", "--json"]).expect(0);
    assert!(why.stdout.contains("2017-12-22.csv"), "{why:#?}");
    sales::deliver(&site, date);
    site.wait_for_task(&run, "publish_ok", "awaiting_approval");
}

/// A site whose run of the day has come to its question.
fn asked(date: &str) -> (Site, String) {
    let mut site = Site::examples();
    site.start_daemon();
    sales::deliver(&site, date);
    let run = site.run(&[RETAIL, "--param", &format!("business_date={date}")]);
    site.wait_for_task(&run, "publish_ok", "awaiting_approval");
    (site, run)
}

fn approved(site: &Site, run: &str) -> Value {
    site.runyard(&["approve", run, "publish_ok"]).expect(0);
    site.wait_for_end(run)
}

fn compare_outputs(site: &Site, run: &str, sales: &[Sale]) {
    let day = site.task(run, "returns")["outputs"].clone();
    let all = Figures::of(sales.iter());
    let adjusted = sales.iter().filter(|it| it.is_adjustment);
    let adjusted_cents: i64 = adjusted.clone().map(|it| it.revenue_cents).sum();
    assert_eq!(day["lines"], all.lines);
    assert_eq!(day["orders"], all.orders);
    assert_eq!(day["total_cents"], all.revenue_cents);
    assert_eq!(day["adjustments"], adjusted.count());
    assert_eq!(day["adjusted_cents"], adjusted_cents);
    assert_eq!(day["duplicates"], 0);
    for region in REGIONS {
        let row = site.task(run, &format!("store_metrics:{region}"));
        let figures = Figures::of(sales::of_region(sales, region));
        let number = |name: &str| row["outputs"][name].as_i64().expect("a whole number");
        let told = Figures {
            revenue_cents: number("revenue_cents"),
            profit_cents: number("profit_cents"),
            units: number("units"),
            lines: number("lines"),
            orders: number("orders"),
        };
        assert_eq!(told, figures, "{region}");
    }
}

fn compare_pages(site: &Site, date: &str, sales: &[Sale]) {
    let index = read(site, date, "index.html");
    holds(&index, &Figures::of(sales.iter()));
    for region in REGIONS {
        let page = read(site, date, &format!("{region}.html"));
        holds(&page, &Figures::of(sales::of_region(sales, region)));
        assert!(index.contains(&format!("<a href=\"{region}.html\">")), "{index}");
        let best = sales::of_region(sales, region).max_by_key(|it| it.revenue_cents);
        let has_best = best.is_none_or(|it| page.contains(&it.product));
        assert!(has_best, "the best product is on the page of {region}: {page}");
    }
}

fn holds(page: &str, figures: &Figures) {
    let card = |label: &str, text: &str| format!("<dt>{label}</dt><dd>{text}</dd>");
    let profit = money_of_page(figures.profit_cents);
    for card in [
        card("Revenue", &sales::money(figures.revenue_cents)),
        card("Profit", &profit),
        card("Orders", &figures.orders.to_string()),
        card("Units", &figures.units.to_string()),
    ] {
        assert!(page.contains(&card), "no `{card}` in {page}");
    }
}

fn money_of_page(cents: i64) -> String {
    let text = sales::money(cents);
    if cents < 0 { format!("<span class=\"bad\">{text}</span>") } else { text }
}

fn pages(site: &Site, date: &str) -> std::path::PathBuf {
    site.workflows().join("data/dashboards").join(date)
}

fn read(site: &Site, date: &str, name: &str) -> String {
    let path = pages(site, date).join(name);
    fs::read_to_string(&path).unwrap_or_else(|it| panic!("no page {}: {it}", path.display()))
}
