"""`crmkit new` and `check` as they are typed: what they refuse, with exit code 2 and one message; and in Chinese, all of it."""

import errno
import io
import re

import pytest
import yaml

from exports.systems import SYSTEMS

ORDERS = "Order ID,Customer ID,Order Date,Amount\n"


@pytest.fixture
def typed(home, command, monkeypatch):
    """Types a command in the project; gives exit code, stdout and stderr."""
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return command


@pytest.fixture
def folder(home):
    return home / "data" / "acme"


def orders(count=40, *, start=1):
    return "".join(f"A{n},C{n % 9},2024-{1 + n % 12:02}-15,{n}.50\n" for n in range(start, start + count))


def written(home):
    """Everything in the project besides the exports and the notebooks."""
    return sorted(
        path.relative_to(home).as_posix()
        for top in home.iterdir()
        if top.name not in ("data", "notebooks")
        for path in top.rglob("*")
        if path.is_file()
    )


@pytest.fixture
def refused(typed, home, folder):
    """The one message of a folder that cannot be used; nothing is written."""

    def run(place=folder, name="acme"):
        before = written(home)
        code, out, err = typed("new", name, str(place), "--yes")
        assert (code, out) == (2, "")
        assert written(home) == before
        lines = err.splitlines()
        assert len(lines) == 1
        return lines[0]

    return run


def test_an_empty_folder(refused, folder):
    assert refused() == f"{folder}: is empty; put the exports there: CSV, Excel or Parquet"


def test_a_folder_of_pictures(refused, folder):
    for name in ("a.png", "b.jpg", "c.HEIC"):
        (folder / name).write_bytes(b"\x89PNG\r\n")
    assert refused() == f"{folder}: holds 3 files, none with a table (.HEIC, .jpg, .png); CSV, Excel or Parquet is read"


def test_a_file_of_no_bytes(refused, folder):
    (folder / "orders.csv").write_bytes(b"")
    assert refused() == "orders.csv: has 0 bytes; export it again"
    (folder / "orders.csv").rename(folder / "orders.xlsx")
    assert refused() == "orders.xlsx: has 0 bytes; export it again"


def test_half_of_the_headers_of_a_system(refused, folder):
    (folder / "orders.csv").write_text("Name,Email,Financial Status,Created at,Lineitem name\n#1,a@b.c,paid,2024-03-01,Mug\n")
    said = refused()
    assert said.startswith("orders.csv: looks like Shopify orders, but has no Total, Lineitem quantity; there are ")
    line = said.split("in tables of this params file:  ")[1]
    columns = yaml.safe_load(line)["transactions"]["columns"]
    assert columns == {"customer_id": "Email", "ordered_at": "Created at", "amount": "..."}


@pytest.mark.parametrize(
    "header", ["Kundennr;Bestelldatum;Betrag", "Cliente;Fecha del pedido;Importe", "顧客コード;受注日;税込金額"]
)
def test_headers_in_a_third_language(refused, folder, header):
    (folder / "list.csv").write_text(f"{header}\nK1;05.03.2024;10,50\nK2;26.03.2024;11,50\n", encoding="utf-8")
    said = refused()
    assert said.startswith(f"list.csv: has headers of no system that is known: {', '.join(header.split(';'))}; ")
    columns = yaml.safe_load(said.split("params file:  ")[1])["transactions"]["columns"]
    assert list(columns) == ["customer_id", "ordered_at", "amount"]
    assert list(columns.values())[1:] == header.split(";")[1:]


def test_a_name_that_exists(typed, refused, home, folder):
    (home / "data" / "other").mkdir()
    (home / "data" / "other" / "orders.csv").write_text(ORDERS + orders())
    assert typed("new", "acme", str(home / "data" / "other"), "--yes")[0] == 0
    (folder / "orders.csv").write_text(ORDERS + orders())
    said = "params/acme.yml is there already, with another source; take another name; what it says is never written over"
    assert refused().startswith(said)


def test_a_name_that_cannot_name_files(refused, folder):
    (folder / "orders.csv").write_text(ORDERS + orders())
    said = refused(name="Acme Ltd")
    assert said == "'Acme Ltd' cannot name files; use small letters, digits, '-' and '_', at most 63"


def test_files_where_folders_should_be(typed, home, folder):
    """Nobody can write below a file, root neither."""
    (folder / "orders.csv").write_text(ORDERS + orders())
    assert typed("new", "acme", str(folder), "--yes")[0] == 0
    (home / "work").write_text("a file")
    code, out, err = typed("new", "acme", str(folder), "--yes")
    assert (code, out, err) == (2, "", "work/acme/acme.yml cannot be written: Not a directory\n")
    (home / "params" / "acme.yml").unlink()
    (home / "params").rmdir()
    (home / "params").write_text("a file")
    code, out, err = typed("new", "acme", str(folder), "--yes")
    assert (code, out, err) == (2, "", f"$CRMKIT_HOME: {home} has no folder 'params'\n")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_system_that_does_not_let_the_file_be_written(refused, folder, monkeypatch, number):
    (folder / "orders.csv").write_text(ORDERS + orders())
    real = io.open

    def opens(file, mode="r", *arguments, **options):
        if "acme.yml" in str(file) and mode != "r":
            raise OSError(number, "refused by the system", str(file))
        return real(file, mode, *arguments, **options)

    monkeypatch.setattr("builtins.open", opens)
    assert refused() == "params/acme.yml cannot be written: refused by the system"


def test_a_disk_that_is_full_in_the_middle_leaves_no_half_of_a_file(refused, folder, monkeypatch):
    (folder / "orders.csv").write_text(ORDERS + orders())
    real = io.open

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    def opens(file, mode="r", *arguments, **options):
        if "acme.yml" in str(file) and mode != "r":
            real(file, mode, *arguments, **options).close()
            return Full()
        return real(file, mode, *arguments, **options)

    monkeypatch.setattr("builtins.open", opens)
    assert refused() == "params/acme.yml cannot be written: No space left on device"


def test_files_of_one_table_that_overlap_are_one_table(typed, folder):
    """The same rows in two exports count once, and that is said; `check` agrees."""
    (folder / "orders_2023.csv").write_text(ORDERS + orders(30))
    (folder / "orders_2024.csv").write_text(ORDERS + orders(30, start=21))
    code, out, err = typed("new", "acme", str(folder), "--yes")
    assert (code, err) == (0, "")
    assert "orders_*.csv" in out or "orders_2023.csv + 1" in out
    code, out, err = typed("check", "acme")
    assert (code, err) == (0, "")
    assert "transactions  50 of 60 rows" in out
    assert "  10 set aside: " in out


def test_files_of_one_table_that_disagree_are_named(typed, folder):
    (folder / "orders_2023.csv").write_text(ORDERS + orders(30))
    (folder / "orders_2024.csv").write_text(ORDERS.replace("Amount", "Amount,Channel") + "A99,C1,2024-03-09,9,web\n")
    code, out, err = typed("new", "acme", str(folder), "--yes")
    assert (code, err) == (0, "")
    assert "not placed: orders_2024.csv: holds transactions too, with other headers than orders_2023.csv" in out


# a sentence in English: three words with blanks between them, and no command
ENGLISH = re.compile(r"\b(?!crmkit )[a-z]+ [a-z]+ [a-z]+\b")


def broken(folder):
    rows = "".join(f"D{n},K{n % 7},2024-{1 + n % 12:02}-{1 + n % 27:02},{10 + n}.50\n" for n in range(60))
    bad = "D90,K1,2024-13-45,5\nD91,,2024-01-01,7\nD92,K2,2024-01-01,很多\n"
    (folder / "订单.csv").write_text(f"订单编号,客户编号,下单时间,实付金额\n{rows}{bad}", encoding="gb18030")
    (folder / "空.csv").write_bytes(b"")
    (folder / "坏.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (folder / "坏.parquet").write_bytes(b"PAR1 no")
    (folder / "照片.png").write_bytes(b"\x89PNG")
    (folder / "乱.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    (folder / "客户.csv").write_text("客户编号,客户名称,地区\nK1,王,华东\nK1,李,华北\nK2,张,华东\n", encoding="utf-8")


def test_a_broken_chinese_folder_is_told_of_in_chinese_alone(typed, folder):
    broken(folder)
    code, new, err = typed("new", "acme", str(folder), "--yes")
    assert (code, err) == (0, "")
    code, check, problems = typed("check", "acme")
    assert code == 2
    assert len(problems.splitlines()) == 2
    for said in (new, check, problems):
        assert not ENGLISH.findall(said)
    for file in ("空.csv", "坏.xlsx", "坏.parquet", "乱.csv"):
        assert f"未能归入：{file}" in new
    assert "transactions：列'ordered_at'有1个值无法读作日期（第62行）：'2024-13-45'；" in problems
    assert "transactions更正之前无法运行" in check


def test_a_chinese_check_of_what_is_good(typed, folder):
    SYSTEMS["chinese_orders"].write(folder, 300)
    new, (code, check, err) = typed("new", "acme", str(folder), "--yes"), typed("check", "acme")
    assert (new[0], code, err) == (0, 0, "")
    assert not ENGLISH.findall(new[1] + check)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "data/nowhere"}, "params/acme.yml，source：没有文件夹data/nowhere"),
        ({"as_of": "2124-01-01"}, "晚于今天"),
        ({"as_of": "01.02.2024"}, "不是日期"),
        ({"tables": {"transactions": {"file": "没有.csv"}}}, "中没有文件'没有.csv'"),
        ({"tables": {"transactons": {"file": "订单.csv"}}}, "未知的表'transactons'；是否指'transactions'？"),
        ({"curency": "CNY"}, "未知的键'curency'；是否指'currency'？"),
    ],
)
def test_a_chinese_client_whose_params_are_wrong(typed, home, folder, change, said):
    broken(folder)
    typed("new", "acme", str(folder), "--yes")
    path = home / "params" / "acme.yml"
    asked = yaml.safe_load(path.read_text(encoding="utf-8")) | change
    path.write_text(yaml.safe_dump(asked, allow_unicode=True), encoding="utf-8")
    code, _, problems = typed("check", "acme")
    assert code == 2
    assert said in problems
    assert not ENGLISH.findall(problems)


def test_a_chinese_terminal(typed, folder, monkeypatch):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert typed("new", "acme", str(folder))[2] == f"{folder}：是空的；请把导出文件放在那里：CSV、Excel或Parquet\n"
    assert typed("check", "nobody")[2].startswith("客户'nobody'没有文件params/nobody.yml")
