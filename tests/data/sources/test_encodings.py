"""In what is a file encoded? Lists as offices write them, with few letters of their own."""

import pytest

from crmkit.data.sources.text import find_encoding

LISTS = {
    "cp1252": [
        ("Kundennummer;Kundenname;Währung", "1;Müller & Söhne GmbH;EUR"),
        ("Client;Société;Créé le", "1;L’Étoile «Sud»;2024-01-01"),
        ("Cliente;Año;Teléfono", "1;España;34"),
        ("Cliente;Nombre", "1;Peña", "2;Muñoz", "3;NIÑO"),
        ("Client;Ville", "1;La Fête", "2;Nîmes", "3;Même"),
        ("Kunde;Ort", "1;Köln", "2;Muñoz", "3;François", "4;Straße"),
        ("Customer;Paid", "1;£5.00", "2;€7.50", "3;café"),
        ("Cliente;Cidade", "1;Inês"),
        ("Cliente;Cidade", "1;São João", "2;Camões"),
        ("Kund;Ort", "1;Åsa", "2;Malmö"),
        ("Kunde;By", "1;Ærø", "2;København"),
        ("Kunde;Laden", "1;„Zur Post“", "2;Köln"),
    ],
    "cp1250": [
        ("Klient;Miasto", "1;Łódź", "2;Kraków", "3;Gdańsk", "4;Częstochowa", "5;Żory"),
        ("Klient;Nazwisko", "1;Wałęsa", "2;Ćwikła", "3;Świątek", "4;Kuźniar"),
        ("Klient;Miasto", "1;Poznań"),
        ("Klient;Miasto", "1;Łomża"),
        ("Klient;Miasto", "1;Będzin", "2;Dębica"),
        ("Klient;Miasto", "1;Toruń", "2;Kraków"),
        ("Klient;Nazwa", "1;Spółka Müller", "2;Wałbrzych"),
        ("Zákazník;Město", "1;Plzeň", "2;Třebíč", "3;České Budějovice", "4;Hradec Králové"),
        ("Zákazník;Jméno", "1;Dvořák", "2;Růžička"),
        ("Zákazník;Mesto", "1;Košice", "2;Čadca", "3;Piešťany", "4;Ľubica"),
        ("Ügyfél;Város", "1;Győr", "2;Pécs", "3;Székesfehérvár"),
        ("Ügyfél;Név", "1;Szűcs", "2;Kovács"),
        ("Klient;Város", "1;Győr", "2;Pécs"),
    ],
    "iso8859-2": [
        ("Klient;Nazwisko", "1;Wałęsa", "2;Świątek", "3;Kuźniar"),
        ("Zákazník;Město", "1;Plzeň", "2;Košíře", "3;Žďár", "4;Úštěk"),
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
