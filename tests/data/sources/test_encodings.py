"""In what is a file encoded? Lists as offices write them, with few letters of their own."""

import pytest

from crmkit.data.sources.text import find_encoding

LISTS = {
    "cp1252": [
        ("Kundennummer;Kundenname;Währung", "1;Müller & Söhne GmbH;EUR"),
        ("Client;Société;Créé le", "1;L’Étoile «Sud»;2024-01-01"),
        ("Cliente;Año;Teléfono", "1;España;34"),
    ],
    "cp1251": [("Клиент;Город;Сумма", "1;Санкт-Петербург;10")],
    "cp1253": [("Πελάτης;Πόλη;Ποσό", "1;Θεσσαλονίκη;10")],
}


@pytest.mark.parametrize(("encoding", "lines"), [(name, lines) for name, given in LISTS.items() for lines in given])
@pytest.mark.parametrize("rows", [3, 900])
def test_the_letters_of_a_list_are_read_as_they_were_written(tmp_path, encoding, lines, rows):
    text = "\n".join([lines[0], *lines[1:] * rows]) + "\n"
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    found, guessed = find_encoding(path, declared=None, where="list.csv")
    assert guessed
    assert path.read_bytes().decode(found) == text
