"""A company's data as many systems would export them, of any size, with a tally of what counts in them.

Each function writes the files of one system under its own headers and gives, by table, rows that count and the sum of what is
added up. The tally is kept while the rows are drawn and never asks the kit.
"""

import csv
import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FIRST, DAYS = dt.date(2023, 1, 2), 700
Truth = dict[str, tuple[int, float | None]]


@dataclass(frozen=True)
class Purchase:
    """What somebody bought on a day; ``word`` is a number from 0 to 99 that statuses are drawn with."""

    number: int
    customer: int
    day: dt.date
    cents: int
    word: int

    @property
    def amount(self) -> str:
        return f"{self.cents / 100:.2f}"


def purchases(rows: int, seed: int = 0) -> Iterator[Purchase]:
    """Purchases of customers who come at any time, buy more or less often, and leave; by day."""
    chance = random.Random(seed)
    drawn: list[tuple[int, int, int]] = []
    customer = 0
    while len(drawn) < rows:
        begin = chance.randrange(DAYS)
        end = min(DAYS, begin + chance.expovariate(1 / 300))
        rate, usual = chance.gammavariate(0.9, 0.03), chance.lognormvariate(8, 0.5)
        at = float(begin)
        while at < end:
            drawn.append((int(at), customer, max(100, int(usual * chance.uniform(0.5, 1.5)))))
            at += chance.expovariate(rate + 0.001)
        customer += 1
    for number, (day, who, cents) in enumerate(sorted(drawn[:rows])):
        yield Purchase(number, who, FIRST + dt.timedelta(days=day), cents, chance.randrange(100))


def write(path: Path, header, rows, *, encoding: str = "utf-8", above=()) -> None:
    """A CSV file with the line ends of a spreadsheet program; ``above`` are further header lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerows([header, *above])
        writer.writerows(rows)


def headers(text: str) -> list[str]:
    """Headers of a line without quotation marks."""
    return text.split(",")


class Tally:
    """Counts rows and adds up hundredths."""

    def __init__(self) -> None:
        self.rows = self.cents = 0

    def __call__(self, cents: int, *, rows: int = 1) -> None:
        self.rows += rows
        self.cents += cents

    @property
    def found(self) -> tuple[int, float]:
        return self.rows, self.cents / 100


def email(customer: int) -> str:
    return f"person{customer}@example.org"


SHOPIFY = headers(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,"
    "Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku,Billing Name,Cancelled at,Refunded Amount,Outstanding Balance,Id,Tags,Source"
)


def shopify(folder: Path, rows: int) -> Truth:
    """Two lines of each order of which the second repeats little; a refund of a part comes off."""
    tally, lines = Tally(), []
    for one in purchases(rows // 2):
        status = "paid" if one.word < 88 else ("partially_refunded", "refunded", "voided", "pending")[one.word % 4]
        back = one.cents // 4 if status == "partially_refunded" else 0
        row = dict.fromkeys(SHOPIFY, "")
        row |= {"Name": f"#{1001 + one.number}", "Email": email(one.customer), "Financial Status": status, "Currency": "EUR"}
        row |= {"Subtotal": one.amount, "Shipping": "0.00", "Taxes": "0.00", "Total": one.amount, "Source": "web"}
        row |= {"Created at": f"{one.day} 10:00:00 +0100", "Lineitem quantity": "1", "Lineitem name": "Mug"}
        row |= {"Id": str(5_000_000 + one.number), "Refunded Amount": f"{back / 100:.2f}", "Discount Amount": "0.00"}
        further = dict.fromkeys(SHOPIFY, "") | {key: row[key] for key in ("Name", "Email")}
        lines += [row.values(), (further | {"Lineitem quantity": "2", "Lineitem name": "Tea"}).values()]
        if status in ("paid", "partially_refunded"):
            tally(one.cents - back)
    write(folder / "orders_export.csv", SHOPIFY, lines)
    return {"transactions": tally.found}


WOO = headers(
    "order_id,order_number,order_date,paid_date,status,order_subtotal,order_total,order_currency,discount_total,"
    "customer_id,customer_user,customer_email,billing_first_name"
)


def woocommerce(folder: Path, rows: int) -> Truth:
    """Guests have the number 0 and an address."""
    tally, lines = Tally(), []
    for one in purchases(rows):
        status = (
            ("completed", "processing")[one.word % 2] if one.word < 85 else ("cancelled", "failed", "pending")[one.word % 3]
        )
        lines.append([100 + one.number] * 2 + [f"{one.day:%m/%d/%Y} 10:00:00", "", status, one.amount, one.amount, "EUR", 0])
        lines[-1] += [one.customer % 2 * one.customer] * 2 + [email(one.customer), "X"]
        if status in ("completed", "processing"):
            tally(one.cents)
    write(folder / "wc-orders.csv", WOO, lines)
    return {"transactions": tally.found}


STRIPE = headers(
    "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
    "Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,Customer ID,Customer Email,Captured"
)


def stripe_payments(folder: Path, rows: int) -> Truth:
    tally, lines = Tally(), []
    for one in purchases(rows):
        status = "Paid" if one.word < 92 else ("Failed", "Refunded")[one.word % 2]
        back = one.cents // 2 if status == "Paid" and one.word < 5 else one.cents if status == "Refunded" else 0
        money, returned = one.amount, f"{back / 100:.2f}"
        lines.append([f"ch_{one.number}", "", "", f"{one.day} 10:00:00", money, returned, "eur", money, returned, "0.30", ""])
        lines[-1] += ["eur", "Live", status, f"cus_{one.customer}", email(one.customer), "true"]
        if status == "Paid":
            tally(one.cents - back)
    write(folder / "unified_payments.csv", STRIPE, lines)
    return {"transactions": tally.found}


ORDER_LINES = headers(
    "Row ID,Order ID,Order Date,Ship Date,Customer ID,Segment,Region,Product ID,Category,Product Name,Sales,Quantity"
)


def order_lines(folder: Path, rows: int) -> Truth:
    """Order lines without a status, the month first."""
    tally, lines = Tally(), []
    for one in purchases(rows):
        day = f"{one.day.month}/{one.day.day}/{one.day.year}"
        lines.append([one.number + 1, f"CA-{one.number}", day, day, f"CG-{one.customer}", "Home", "West", f"P{one.word}"])
        lines[-1] += ["Paper", f"Pad {one.word}", one.amount, 2]
        tally(one.cents)
    write(folder / "lines.csv", ORDER_LINES, lines)
    return {"transactions": tally.found}


def orders_with_status(folder: Path, rows: int) -> Truth:
    """German numbers and days, in the encoding of Windows."""
    header = ["Order Number", "Customer Number", "Order Date", "Order Status", "Total Amount", "Currency"]
    tally, lines = Tally(), []
    for one in purchases(rows):
        status = ("Completed", "Shipped")[one.word % 2] if one.word < 90 else "Cancelled"
        lines.append([one.number, f"K{one.customer}", f"{one.day:%d.%m.%Y}", status, one.amount.replace(".", ","), "EUR"])
        if status != "Cancelled":
            tally(one.cents)
    write(folder / "orders.csv", header, lines, encoding="cp1252")
    return {"transactions": tally.found}


def invoices(folder: Path, rows: int) -> Truth:
    """Price times quantity; a number that begins with C is a return; some lines have no customer."""
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    tally, lines = Tally(), []
    for one in purchases(rows):
        pieces = one.word % 5 + 1
        price, back, nobody = one.cents // pieces, one.word >= 97, one.word in (7, 8)
        number, sign = f"{'C' * back}{536365 + one.number}", -1 if back else 1
        day = f"{one.day.month}/{one.day.day}/{one.day.year} 8:26"
        who = "" if nobody else f"{12000 + one.customer}.0"
        lines.append([number, f"S{one.word}", "LANTERN", sign * pieces, day, f"{price / 100:.2f}", who, "United Kingdom"])
        if not nobody:
            tally(sign * price * pieces)
    write(folder / "online.csv", header, lines)
    return {"transactions": tally.found}


def chinese_orders(folder: Path, rows: int) -> Truth:
    """Simplified Chinese in GB18030, as a spreadsheet program saves it."""
    header = ["订单编号", "客户编号", "下单时间", "订单状态", "实付金额", "商品名称"]
    return _chinese(folder / "订单.csv", header, rows, encoding="gb18030", words=("已完成", "已发货", "已取消"))


def chinese_orders_traditional(folder: Path, rows: int) -> Truth:
    header = ["訂單編號", "客戶編號", "下單時間", "訂單狀態", "實付金額", "商品名稱"]
    return _chinese(folder / "訂單.csv", header, rows, encoding="utf-8-sig", words=("已完成", "已發貨", "已取消"))


def _chinese(path: Path, header: list[str], rows: int, *, encoding: str, words: tuple[str, str, str]) -> Truth:
    tally, lines = Tally(), []
    for one in purchases(rows):
        status = words[one.word % 2] if one.word < 90 else words[2]
        day = f"{one.day.year}年{one.day.month}月{one.day.day}日"
        lines.append([f"D{one.number}", f"K{one.customer}", day, status, f"￥{one.cents / 100:,.2f}", "茶"])
        if status != words[2]:
            tally(one.cents)
    write(path, header, lines, encoding=encoding)
    return {"transactions": tally.found}


FXIAOKE = headers("name,account_id,account_id__r,order_amount,product_amount,payment_amount,create_time,life_status,owner__r")


def fxiaoke(folder: Path, rows: int) -> Truth:
    """Days are milliseconds since 1970."""
    tally, lines = Tally(), []
    for one in purchases(rows):
        status = "normal" if one.word < 93 else ("invalid", "ineffective")[one.word % 2]
        at = int(dt.datetime.combine(one.day, dt.time(4), dt.UTC).timestamp() * 1000)
        lines.append([f"SO{one.number}", f"acc{one.customer}", f"公司{one.customer}", one.amount, "", "", at, status, "王"])
        if status == "normal":
            tally(one.cents)
    write(folder / "SalesOrderObj.csv", FXIAOKE, lines)
    return {"transactions": tally.found}


HUBSPOT = headers("Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Deal owner,Pipeline,Associated Company IDs")


def hubspot(folder: Path, rows: int) -> Truth:
    """Some deals are of two companies: such a deal counts once, for the first of them."""
    tally, lines = Tally(), []
    for one in purchases(rows):
        stage = ("Closed Won", "Closed Lost")[one.word % 2] if one.word < 80 else "Appointment Scheduled"
        close = one.day + dt.timedelta(days=one.word % 40)
        companies = f"{9000 + one.customer};{9001 + one.customer}" if one.word == 5 else 9000 + one.customer
        lines.append(
            [one.number + 1, "Deal", stage, one.amount, f"{close} 10:00", f"{one.day} 10:00", "Ann", "Sales", companies]
        )
        tally(one.cents)
    write(folder / "hubspot-crm-exports-deals.csv", HUBSPOT, lines)
    return {"opportunities": tally.found}


SALESFORCE = headers(
    "Id,IsDeleted,AccountId,Name,StageName,Amount,Probability,CloseDate,ForecastCategory,CurrencyIsoCode,CreatedDate"
)


def salesforce(folder: Path, rows: int) -> Truth:
    tally, lines = Tally(), []
    for one in purchases(rows):
        stage = ("Closed Won", "Closed Lost")[one.word % 2] if one.word < 80 else "Prospecting"
        close, gone = one.day + dt.timedelta(days=one.word % 40), one.word == 50
        lines.append([f"006{one.number:012}", str(gone).lower(), f"001{one.customer:012}", "Opp", stage, one.amount, 10, close])
        lines[-1] += ["Closed", "EUR", f"{one.day}T10:00:00.000Z"]
        if not gone:
            tally(one.cents)
    write(folder / "Opportunity.csv", SALESFORCE, lines)
    return {"opportunities": tally.found}


@dataclass(frozen=True)
class Response:
    """Answers of somebody: overall 1 to 5, recommending 0 to 10, two aspects 1 to 5, and a comment."""

    number: int
    day: dt.date
    overall: int
    recommend: int
    speed: int
    quality: int
    comment: str

    @property
    def twice(self) -> int:
        return 100 * (self.overall + self.recommend)


COMMENTS = ("", "", "", "Please answer faster", "All was fine with my order", "The parcel came late again", "Thank you so much")


def responses(rows: int, seed: int = 0) -> Iterator[Response]:
    """Answers that hang together, over 120 days."""
    chance = random.Random(seed)
    for number in range(rows):
        mood = chance.gauss(0, 1)
        marks = [min(5, max(1, round(3.6 + 0.9 * mood + chance.gauss(0, 0.8)))) for _ in range(3)]
        recommend = min(10, max(0, round(7 + 2 * mood + chance.gauss(0, 1.5))))
        day = FIRST + dt.timedelta(days=120 * number // rows)
        yield Response(number, day, marks[0], recommend, marks[1], marks[2], chance.choice(COMMENTS))


def google_forms(folder: Path, rows: int) -> Truth:
    header = ["Timestamp", "Email Address", "How likely are you to recommend us to a friend?", "How satisfied are you?"]
    tally, lines = Tally(), []
    for one in responses(rows):
        lines.append([f"{one.day:%Y/%m/%d} 2:14:03 PM GMT+1", email(one.number), one.recommend, one.overall, one.comment])
        tally(one.twice, rows=2)
    write(folder / "form.csv", [*header, "What should we improve?"], lines)
    return {"surveys": tally.found}


def google_forms_zh(folder: Path, rows: int) -> Truth:
    """The Chinese interface writes 上午 and 下午."""
    tally, lines = Tally(), []
    for one in responses(rows):
        half = ("上午", "下午")[one.number % 2]
        stamp = f"{one.day.year}/{one.day.month}/{one.day.day} {half} 2:14:03"
        lines.append([stamp, email(one.number), one.recommend, one.overall])
        tally(one.twice, rows=2)
    write(folder / "表单.csv", ["时间戳记", "邮箱", "您有多大可能推荐我们？", "您对我们的总体满意度如何？"], lines)
    return {"surveys": tally.found}


WENJUANXING = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]


def wenjuanxing(folder: Path, rows: int) -> Truth:
    """(跳过) is no answer."""
    tally, lines = Tally(), []
    for one in responses(rows):
        skipped = one.number % 50 == 49
        lines.append(
            [one.number + 1, f"{one.day.year}/{one.day.month}/{one.day.day} 8:02:11", f"{30 + one.number % 60}秒", "微信"]
        )
        lines[-1] += ["N/A", "203.0.113.0(广东-深圳)", "(跳过)" if skipped else one.overall, one.recommend, "(空)", 10]
        tally(100 * one.recommend + (0 if skipped else 100 * one.overall), rows=2)
    header = [*WENJUANXING, "1、您对我们的总体满意度如何？", "2、您有多大可能推荐我们？", "3、您的建议", "总分"]
    write(folder / "wjx.csv", header, lines)
    return {"surveys": tally.found}


QUALTRICS = headers(
    "StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,RecipientLastName,"
    "RecipientFirstName,RecipientEmail,ExternalReference,LocationLatitude,LocationLongitude,DistributionChannel,UserLanguage"
)


def qualtrics(folder: Path, rows: int) -> Truth:
    """Three header lines; previews and unfinished answers do not count."""
    tally, lines = Tally(), []
    for one in responses(rows):
        preview, unfinished = one.number % 97 == 0, one.number % 53 == 0
        lines.append([f"{one.day} 10:00:00", f"{one.day} 10:05:00", int(preview), "203.0.113.9", 100, 300, int(not unfinished)])
        lines[-1] += [f"{one.day} 10:05:01", f"R_{one.number}", "", "", email(one.number), "", "", "", "email", "EN"]
        lines[-1] += [one.overall, one.recommend, one.comment]
        if not preview and not unfinished:
            tally(one.twice, rows=2)
    words = [*QUALTRICS, "How satisfied are you overall?", "How likely are you to recommend us?", "Anything else?"]
    ids = [f'{{"ImportId":"{name}"}}' for name in [*QUALTRICS, "QID1", "QID2", "QID3_TEXT"]]
    write(folder / "qualtrics.csv", [*QUALTRICS, "Q1", "Q2", "Q3"], lines, above=[words, ids])
    return {"surveys": tally.found}


SURVEYMONKEY = headers(
    "Respondent ID,Collector ID,Start Date,End Date,IP Address,Email Address,First Name,Last Name,Custom Data 1"
)
SATISFIED = ["Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied"]


def surveymonkey(folder: Path, rows: int) -> Truth:
    """Two header lines, a matrix under a blank header, answers in words."""
    tally, lines = Tally(), []
    for one in responses(rows):
        day = f"{one.day:%m/%d/%Y}"
        lines.append([11000 + one.number, 77, f"{day} 10:00:00 AM", f"{day} 10:05:00 AM", "203.0.113.9", email(one.number)])
        lines[-1] += ["", "", "", SATISFIED[one.overall - 1], one.speed, one.quality]
        tally(100 * (one.overall + one.speed + one.quality), rows=3)
    first = [*SURVEYMONKEY, "How satisfied are you, in all?", "Please rate:", ""]
    write(folder / "monkey.csv", first, lines, above=[[""] * 9 + ["Response", "Speed", "Quality"]])
    return {"surveys": tally.found}


def tenure(folder: Path, rows: int) -> Truth:
    """No day in it: months until the export, and whether they have left."""
    header = ["customerID", "gender", "tenure", "Contract", "MonthlyCharges", "TotalCharges", "Churn"]
    chance, tally, lines = random.Random(0), Tally(), []
    for number in range(rows):
        cents, yearly = chance.randrange(2000, 11000), chance.random() < 0.4
        months = chance.randrange(1, 73)
        left = chance.random() < (0.1 if yearly else 0.35)
        plan = "One year" if yearly else "Month-to-month"
        lines.append([f"{number:05}-AB", "Female", months, plan, f"{cents / 100:.2f}", "", "Yes" if left else "No"])
        tally(cents)
    write(folder / "telco.csv", header, lines)
    return {"subscriptions": tally.found}


def contracts(folder: Path, rows: int) -> Truth:
    chance, tally, lines = random.Random(0), Tally(), []
    for number in range(rows):
        begin = FIRST + dt.timedelta(days=chance.randrange(DAYS - 5))
        end = begin + dt.timedelta(days=1 + int(chance.expovariate(1 / 500)))
        over = end < FIRST + dt.timedelta(days=DAYS)
        cents = chance.choice([1000, 2000, 5000])
        lines.append([f"K{number}", begin, end if over else "", "Basic" if cents < 5000 else "Pro", f"{cents / 100:.2f}"])
        tally(cents)
    write(folder / "contracts.csv", ["Customer ID", "Start Date", "End Date", "Plan", "Monthly Fee"], lines)
    return {"subscriptions": tally.found}


TICKETS = ["Ticket ID", "Customer Email", "Created At", "First Response At", "Resolved At", "Ticket Type", "Priority", "CSAT"]


def tickets(folder: Path, rows: int) -> Truth:
    """Kinds are words of others."""
    chance, tally, lines = random.Random(0), Tally(), []
    for one in purchases(rows):
        at = dt.datetime.combine(one.day, dt.time(10))
        hours = [chance.expovariate(1 / 4), 1 + chance.expovariate(1 / 30)]
        first, solved = at + dt.timedelta(hours=min(hours)), at + dt.timedelta(hours=max(hours))
        mark = chance.randrange(1, 6)
        kind = ("Technical issue", "Complaint", "Question")[one.word % 3]
        stamps = [f"{moment:%Y-%m-%d %H:%M}" for moment in (at, first, solved)]
        lines.append([one.number + 1, email(one.customer), *stamps, kind, ("High", "Low")[one.word % 2], mark])
        tally(100 * mark)
    write(folder / "tickets.csv", TICKETS, lines)
    return {"tickets": tally.found}


SHOPIFY_CUSTOMERS = headers(
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Country Code,"
    "Default Address Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note"
)


def shopify_customers(folder: Path, rows: int) -> Truth:
    """Orders and the list of those who bought, whose numbers carry an apostrophe."""
    truth = shopify(folder, rows)
    people = sorted({one.customer for one in purchases(rows // 2)})
    lines = [
        [
            f"'{7_000_000 + one}",
            "A",
            f"B{one}",
            email(one),
            "yes",
            "",
            ("DE", "FR")[one % 2],
            f"'+49160{one:07}",
            "no",
            "10",
            "1",
            "",
        ]
        for one in people
    ]
    write(folder / "customers_export.csv", SHOPIFY_CUSTOMERS, lines)
    return truth | {"customers": (len(people), None)}


def three_systems(folder: Path, rows: int) -> Truth:
    """Shop, tickets and survey of one company, whose customers are named by their address."""
    return {**shopify(folder, rows), **tickets(folder, rows // 4), **google_forms(folder, rows // 10)}


@dataclass(frozen=True)
class System:
    """How a system is written, and which report its tables are good for."""

    write: Callable[[Path, int], Truth]
    analysis: str


SYSTEMS = {
    "shopify": System(shopify, "clv"),
    "shopify_customers": System(shopify_customers, "clv"),
    "woocommerce": System(woocommerce, "clv"),
    "stripe_payments": System(stripe_payments, "clv"),
    "order_lines": System(order_lines, "clv"),
    "orders_with_status": System(orders_with_status, "clv"),
    "invoices": System(invoices, "clv"),
    "chinese_orders": System(chinese_orders, "clv"),
    "chinese_orders_traditional": System(chinese_orders_traditional, "clv"),
    "fxiaoke": System(fxiaoke, "clv"),
    "hubspot": System(hubspot, "audit"),
    "salesforce": System(salesforce, "audit"),
    "google_forms": System(google_forms, "satisfaction"),
    "google_forms_zh": System(google_forms_zh, "satisfaction"),
    "wenjuanxing": System(wenjuanxing, "satisfaction"),
    "qualtrics": System(qualtrics, "satisfaction"),
    "surveymonkey": System(surveymonkey, "satisfaction"),
    "tenure": System(tenure, "churn"),
    "contracts": System(contracts, "churn"),
    "tickets": System(tickets, "audit"),
}
