"""Exports as systems write them: real headers, invented rows few enough to be counted by hand, and what is read of them.

Each function writes the files of one system and gives the truth: rows that count and their sum, by table.
"""

import csv
import io
from pathlib import Path

import pytest
import yaml

from crmkit.data.client import check_client
from crmkit.data.presets.newcomer import new_client
from exports.writing import counted, lines_of

PEOPLE = ["ann@example.org", "bob@example.org", "cem@example.org", "dora@example.org"]


def headers(text):
    """Headers of a line without quotation marks."""
    return text.split(",")


def write(path: Path, header, rows, *, encoding="utf-8", above=()):
    """A CSV file; ``above`` are further header lines."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([header, *above, *rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode(encoding))


SHOPIFY = headers(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,"
    "Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku,Billing Name,Cancelled at,Refunded Amount,Outstanding Balance,Id,Tags,Source"
)


def shopify(folder, first=1001, name="orders_export.csv"):
    """Twelve orders of 10, 20 ... 120 in two lines each; the third voided, the fourth pending, of the fifth 5 refunded:
    780 - 30 - 40 - 5 = 705."""
    rows = []
    for number in range(12):
        status = {2: "voided", 3: "pending", 4: "partially_refunded"}.get(number, "paid")
        row = dict.fromkeys(SHOPIFY, "")
        row |= {"Name": f"#{first + number}", "Email": PEOPLE[number % 4], "Financial Status": status, "Currency": "EUR"}
        row |= {"Total": f"{10 * (number + 1)}.00", "Created at": f"2024-03-{number + 1:02} 10:00:00 +0100", "Source": "web"}
        row |= {
            "Lineitem quantity": "1",
            "Lineitem name": "Mug",
            "Id": str(500_000 + first + number),
            "Refunded Amount": "0.00",
        }
        row |= {"Refunded Amount": "5.00"} if number == 4 else {}
        line = dict.fromkeys(SHOPIFY, "")
        line |= {"Name": row["Name"], "Email": row["Email"], "Lineitem quantity": "2", "Lineitem name": "Tea"}
        rows += [list(row.values()), list(line.values())]
    write(folder / name, SHOPIFY, rows)
    return {"transactions": (10, 705)}


def shopify_overlapping(folder):
    """Two exports that share orders 1007 to 1012, in which four more are voided or pending."""
    shopify(folder, 1001, "orders_export_1.csv")
    shopify(folder, 1001, "orders_export_2.csv")
    return {"transactions": (10, 705)}


def woocommerce(folder):
    """Guests have the number 0 and an address; completed and processing orders are money: 10 + 20 + 50 + 60 = 140."""
    header = headers(
        "order_id,order_number,order_date,paid_date,status,order_subtotal,order_total,order_currency,discount_total"
    )
    header = [*header, "customer_id", "customer_user", "customer_email", "billing_first_name"]
    words = ["completed", "processing", "cancelled", "failed", "completed", "processing"]
    rows = [
        [
            100 + n,
            100 + n,
            f"03/0{n + 1}/2024 10:00:00",
            "",
            word,
            10 * (n + 1),
            10 * (n + 1),
            "EUR",
            0,
            0,
            0,
            PEOPLE[n % 4],
            "X",
        ]
        for n, word in enumerate(words)
    ]
    write(folder / "wc-orders.csv", header, rows)
    return {"transactions": (4, 140)}


def stripe_payments(folder):
    """Paid 10 + 20 + 40; failed 30."""
    header = headers(
        "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
        "Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,Customer ID,Customer Email,Captured"
    )
    rows = []
    for n, status in enumerate(["Paid", "Paid", "Failed", "Paid"]):
        amount = f"{10 * (n + 1)}.00"
        rows.append([f"ch_{n}", "", "", f"2024-03-0{n + 1} 10:00:00", amount, "0.00", "eur", amount, "0.00", "0.3", "", "eur"])
        rows[-1] += ["Live", status, f"cus_{n % 2}", PEOPLE[n % 2], "true"]
    write(folder / "payments.csv", header, rows)
    return {"transactions": (3, 70)}


def order_lines(folder):
    """A file of order lines without a status: two equal products in one order are two lines."""
    header = headers(
        "Row ID,Order ID,Order Date,Ship Date,Customer ID,Segment,Region,Product ID,Category,Product Name,Sales,Quantity"
    )
    rows = [
        [
            n + 1,
            f"CA-{n // 2}",
            f"3/{13 + n}/2024",
            f"3/{15 + n}/2024",
            f"CG-{n % 3}",
            "Home",
            "West",
            f"P{n}",
            "Paper",
            f"Pad {n}",
            f"{n + 1}.5",
            2,
        ]
        for n in range(6)
    ]
    write(folder / "lines.csv", header, rows)
    return {"transactions": (6, 24)}


def order_lines_with_status(folder):
    """German decimals, words of a status: Completed 1.5 + 2.5, Shipped 4.5; Cancelled is no money."""
    header = ["Order Number", "Customer Number", "Order Date", "Order Status", "Total Amount", "Currency"]
    words = ["Completed", "Completed", "Cancelled", "Shipped"]
    rows = [[n, f"K{n % 2}", f"{20 + n}.03.2024", word, f"{n + 1},50", "EUR"] for n, word in enumerate(words)]
    write(folder / "orders.csv", header, rows, encoding="cp1252")
    return {"transactions": (3, 8.5)}


def invoices(folder):
    """Price times quantity; an invoice that begins with C is a return, a line without a customer is left out."""
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    rows = [
        ["536365", "85123A", "HOLDER", "6", "12/13/2010 8:26", "2.50", "17850.0", "United Kingdom"],
        ["536366", "71053", "LANTERN", "2", "12/14/2010 8:26", "4.00", "17850.0", "United Kingdom"],
        ["536367", "71053", "LANTERN", "1", "12/15/2010 8:26", "4.00", "13047.0", "France"],
        ["C536379", "D", "Discount", "-1", "12/16/2010 9:41", "4.00", "13047.0", "France"],
        ["536414", "22139", "X", "5", "12/17/2010 11:52", "1.00", "", "France"],
    ]
    write(folder / "online.csv", header, rows)
    return {"transactions": (4, 15 + 8 + 4 - 4)}


def chinese_orders(folder):
    """Simplified Chinese in GB18030, as a spreadsheet program saves it."""
    rows = [
        [f"D{n}", f"K{n % 2}", f"2024年3月{n + 1}日", word, f"￥{10 * (n + 1)}.00", "茶"]
        for n, word in enumerate(["已完成"] * 3 + ["已取消"])
    ]
    write(
        folder / "订单.csv", ["订单编号", "客户编号", "下单时间", "订单状态", "实付金额", "商品名称"], rows, encoding="gb18030"
    )
    return {"transactions": (3, 60)}


def chinese_orders_traditional(folder):
    """Traditional Chinese."""
    rows = [[f"D{n}", f"K{n % 2}", f"2024/3/{n + 13}", 10 * (n + 1)] for n in range(4)]
    write(folder / "訂單.csv", ["訂單編號", "客戶編號", "下單時間", "實付金額"], rows, encoding="utf-8-sig")
    return {"transactions": (4, 100)}


def fxiaoke(folder):
    """Days are milliseconds since 1970: 27 December 2024 in Shanghai."""
    header = [
        "name",
        "account_id",
        "account_id__r",
        "order_amount",
        "product_amount",
        "payment_amount",
        "create_time",
        "life_status",
    ]
    rows = [
        [f"SO{n}", f"acc{n % 2}", "公司", 100 * (n + 1), "", "", 1735228800000 + n * 86_400_000, word]
        for n, word in enumerate(["normal", "normal", "invalid", "normal"])
    ]
    write(folder / "SalesOrderObj.csv", [*header, "owner__r"], [[*row, "王"] for row in rows])
    return {"transactions": (3, 700)}


def hubspot(folder):
    """Two deals won, one lost, one open; the amounts of all are kept."""
    header = headers("Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Deal owner,Pipeline,Associated Company IDs")
    stages = ["Closed Won", "Closed Won", "Closed Lost", "Appointment Scheduled"]
    rows = [
        [n + 1, "Deal", stage, 100 * (n + 1), f"2024-04-0{n + 1} 10:00", f"2024-03-0{n + 1} 10:00", "Ann", "Sales", 900 + n]
        for n, stage in enumerate(stages)
    ]
    write(folder / "hubspot-deals.csv", header, rows)
    return {"opportunities": (4, 1000)}


def salesforce(folder):
    """Names of fields; a deleted one is left out."""
    header = headers(
        "Id,IsDeleted,AccountId,Name,StageName,Amount,Probability,CloseDate,ForecastCategory,CurrencyIsoCode,CreatedDate"
    )
    stages = ["Closed Won", "Closed Lost", "Prospecting", "Closed Won"]
    rows = [
        [
            f"006{n}",
            "true" if n == 3 else "false",
            f"001{n}",
            "Opp",
            stage,
            100 * (n + 1),
            10,
            f"2024-04-0{n + 1}",
            "Closed",
            "EUR",
            f"2024-03-0{n + 1}T10:00:00.000Z",
        ]
        for n, stage in enumerate(stages)
    ]
    write(folder / "Opportunity.csv", header, rows)
    return {"opportunities": (3, 600)}


def google_forms(folder):
    """Twelve answers 0 to 10 and 10: the sum of NPS is 65, of satisfaction 33."""
    header = ["Timestamp", "Email Address", "How likely are you to recommend us to a friend?", "How satisfied are you?"]
    rows = [[f"2024/03/{n + 1:02} 2:14:03 PM GMT+1", f"p{n}@example.org", min(n, 10), n % 5 + 1] for n in range(12)]
    write(
        folder / "form.csv",
        [*header, "What should we improve?"],
        [[*row, f"Please answer faster, number {n}"] for n, row in enumerate(rows)],
    )
    return {"surveys": (24, 65 + 33)}


def google_forms_zh(folder):
    """The Chinese interface writes 上午 and 下午."""
    rows = [[f"2024/3/{n + 1} {'上午' if n % 2 else '下午'} 2:14:03", f"p{n}@example.org", min(n, 10)] for n in range(12)]
    write(folder / "表单.csv", ["时间戳记", "邮箱", "您有多大可能推荐我们？"], rows)
    return {"surveys": (12, 65)}


def wenjuanxing(folder):
    """(跳过) is no answer; 30秒 is half a minute."""
    header = [
        "序号",
        "提交答卷时间",
        "所用时间",
        "来源",
        "来源详情",
        "来自IP",
        "1、您对我们的总体满意度如何？",
        "2、您有多大可能推荐我们？",
    ]
    rows = [
        [
            n + 1,
            f"2024/3/{n + 1} 8:02:11",
            f"{30 + n}秒",
            "微信",
            "N/A",
            "203.0.113.0(广东-深圳)",
            "(跳过)" if n == 11 else n % 5 + 1,
            min(n, 10),
            "(空)",
            10,
        ]
        for n in range(12)
    ]
    write(folder / "wjx.csv", [*header, "3、您的建议", "总分"], rows)
    return {"surveys": (24, 65 + 31)}


QUALTRICS = headers(
    "StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,RecipientLastName,"
    "RecipientFirstName,RecipientEmail,ExternalReference,LocationLatitude,LocationLongitude,DistributionChannel,UserLanguage"
)


def qualtrics(folder):
    """Three header lines; a preview and an unfinished answer do not count: answers 1 to 5 and 1 to 5, 0 to 9."""
    rows = []
    for n in range(12):
        preview, unfinished = n == 10, n == 11
        row = [
            f"2024-03-{n + 1:02} 10:00:00",
            f"2024-03-{n + 1:02} 10:05:00",
            "1" if preview else "0",
            "203.0.113.9",
            "100",
            "300",
        ]
        row += ["0" if unfinished else "1", f"2024-03-{n + 1:02} 10:05:01", f"R_{n}", "", "", f"p{n}@example.org", "", "", ""]
        rows.append([*row, "email", "EN", n % 5 + 1, min(n, 10), f"fine, thank you very much, number {n}"])
    words = [*QUALTRICS, "How satisfied are you overall?", "How likely are you to recommend us?", "Anything else?"]
    ids = [f'{{"ImportId":"{name}"}}' for name in [*QUALTRICS, "QID1", "QID2", "QID3_TEXT"]]
    write(folder / "qualtrics.csv", [*QUALTRICS, "Q1", "Q2", "Q3"], rows, above=[words, ids])
    return {"surveys": (20, 30 + 45)}


def surveymonkey(folder):
    """Two header lines, a matrix under a blank header, answers in words: from 1 to 5."""
    header = headers(
        "Respondent ID,Collector ID,Start Date,End Date,IP Address,Email Address,First Name,Last Name,Custom Data 1"
    )
    words = ["Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied"]
    rows = [
        [
            11000 + n,
            77,
            f"03/{n + 13:02}/2024 10:00:00 AM",
            f"03/{n + 13:02}/2024 10:05:00 AM",
            "203.0.113.9",
            f"p{n}@example.org",
            "",
            "",
            "",
            words[n % 5],
            n % 5 + 1,
            5 - n % 5,
        ]
        for n in range(10)
    ]
    first = [*header, "How satisfied are you, in all?", "Please rate:", ""]
    write(folder / "monkey.csv", first, rows, above=[[""] * 9 + ["Response", "Speed", "Quality"]])
    return {"surveys": (30, 90)}


def tenure(folder):
    """No day in it: months until the export, and whether they have left."""
    header = ["customerID", "gender", "tenure", "Contract", "MonthlyCharges", "TotalCharges", "Churn"]
    rows = [
        [f"7590-{n:03}", "Female", n + 1, "Month-to-month", f"{n + 10}.50", "", "Yes" if n % 3 == 0 else "No"]
        for n in range(12)
    ]
    write(folder / "telco.csv", header, rows)
    return {"subscriptions": (12, sum(n + 10.5 for n in range(12)))}


def contracts(folder):
    """Contracts with a start, most of them running."""
    rows = [[f"K{n}", f"2024-0{n % 6 + 1}-15", "2024-09-30" if n % 4 == 0 else "", "Basic", 10 + n] for n in range(8)]
    write(folder / "contracts.csv", ["Customer ID", "Start Date", "End Date", "Plan", "Monthly Fee"], rows)
    return {"subscriptions": (8, sum(range(10, 18)))}


def shopify_customers(folder):
    """The customer list of a shop, whose numbers carry an apostrophe."""
    header = headers(
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Country Code,"
        "Default Address Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tags"
    )
    rows = [
        [f"'70{n}", "A", f"B{n}", one, "yes", "", "DE", f"'+49160{n}", "no", "10.00", "1", "", ""]
        for n, one in enumerate(PEOPLE)
    ]
    write(folder / "customers_export.csv", header, rows)
    return {"customers": (4, None)}


def tickets(folder):
    """Tickets with headers of nobody in particular; kinds are words of others."""
    header = [
        "Ticket ID",
        "Customer Email",
        "Created At",
        "First Response At",
        "Resolved At",
        "Ticket Type",
        "Priority",
        "CSAT",
    ]
    kinds = ["Technical issue", "Complaint", "Question"]
    rows = [
        [
            n + 1,
            PEOPLE[n % 4],
            f"2024-03-{n + 1:02} 10:00",
            f"2024-03-{n + 1:02} 11:00",
            f"2024-03-{n + 1:02} 12:00",
            kinds[n % 3],
            "High",
            n % 5 + 1,
        ]
        for n in range(12)
    ]
    write(folder / "tickets.csv", header, rows)
    return {"tickets": (12, 33)}


VERIFIED = {
    "shopify": shopify,
    "shopify_overlapping": shopify_overlapping,
    "shopify_customers": shopify_customers,
    "woocommerce": woocommerce,
    "stripe_payments": stripe_payments,
    "order_lines": order_lines,
    "order_lines_with_status": order_lines_with_status,
    "invoices": invoices,
    "chinese_orders": chinese_orders,
    "chinese_orders_traditional": chinese_orders_traditional,
    "fxiaoke": fxiaoke,
    "hubspot": hubspot,
    "salesforce": salesforce,
    "google_forms": google_forms,
    "google_forms_zh": google_forms_zh,
    "wenjuanxing": wenjuanxing,
    "qualtrics": qualtrics,
    "surveymonkey": surveymonkey,
    "tenure": tenure,
    "contracts": contracts,
    "tickets": tickets,
}

MOST_LINES = 12


@pytest.mark.parametrize("system", VERIFIED)
def test_a_system_is_read_as_a_hand_counts_it(home, system):
    truth = VERIFIED[system](home / "data" / "acme")
    found = new_client("acme", home / "data" / "acme", yes=True, home=home)
    text = found.path.read_text(encoding="utf-8")
    assert found.path == home / "params" / "acme.yml"
    assert list(yaml.safe_load(text)["tables"]) == list(truth)
    assert max(lines_of(text).values()) <= MOST_LINES, text
    assert check_client("acme", home=home).problems == ()
    assert {table: counted(home, table) for table in truth} == truth, text
