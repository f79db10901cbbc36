"""Two hundred and more strings that belong to somebody: nobody real, but nothing tells them from what callers say."""

from __future__ import annotations

NAMES = """
Mark Hill|Will Brown|Rose Baker|Grace Young|May King|Bill Green|Joy White|Dawn Park|Summer Rain|Art Stone
John Smith|Katherine O'Brien|Jean-Luc Moreau|Siobhán McCarthy|Rhys Llewellyn|Zoë Ashworth
Eleanor Whitcombe-Hughes|José García Hernández|María Fernanda Quiroga|Thiago Gonçalves|Beatriz d'Ávila
Xochitl Tlapoyawa|Joaquín Peña|Müller Jürgen|Anneliese Großkreutz|Björn Þórsson|Åsa Lindqvist|Søren Kjærgaard
Mikołaj Wiśniewski|Zdeněk Dvořák|Nguyễn Văn Minh|Trần Thị Hồng|Siriporn Chaiyawan|Putu Wijayakusuma
Aung Kyaw Zaw|Maria Clara Batungbakal|Priyanka Raghunathan|Arjun Venkataraman|Gurpreet Dhaliwal
Fatima Al-Zahrani|Mohammed bin Rashid|Yusuf Abdullahi|Oluwaseun Adebayo|Chukwuemeka Okonkwo|Nomvula Dlamini
Tendai Mutasa|Wanjiru Kamau|Kwabena Asante|Tadesse Bekele|Hiroshi Takahashi|Sakura Watanabe|Kim Min-jun
Park Seo-yeon|Wang Xiaoming|Zhang Wei|Chen Guanzhong|Giuseppe Esposito|Francesca D'Angelo|Nikos Papadopoulos
Ioana Popescu|Dragan Petrović|Ágnes Szabó|Volodymyr Shevchenko|Anastasiya Kuznetsova|Levan Kvaratskhelia
Hovhannes Sargsyan|Mehmet Yılmaz|Parisa Hosseini|Avraham Goldberg|Leilani Kealoha|Tāne Ngata|Aroha Parata
Robin Castellanos|Alex Abernathy|Kim Kardigan|Casey Quill|王小明|李娜|山田太郎|김민준|Иван Петров|Ольга Сидорова
محمد الأحمد|فاطمة حسن|राहुल शर्मा|Νίκος Γεωργίου|דוד לוי|สมชาย ใจดี
""".strip().replace("\n", "|").split("|")  # fmt: skip

EMAILS = """
mark.hill@gmail.com|j.o'brien@outlook.com|kate_smith99@yahoo.co.uk|priya+orders@protonmail.com|info@hill-and-sons.de
SIOBHAN@ICLOUD.COM|w.brown@bbc.co.uk|x@y.io|ольга@почта.рф
jürgen.müller@t-online.de|first.last@sub.domain.example.edu
""".strip().replace("\n", "|").split("|")  # fmt: skip

PHONES = """
415-555-2671|(415) 555-2672|+1 415 555 2673|4155552674|1-800-356-9377|+1 (212) 736-5000|212.736.5001
617 495 1000|+44 20 7946 0958|020 7946 0959|+44 (0)20 7946 0960|07911 123456|+44 7911 123457|0161 496 0123
0044 161 496 0124|+49 30 23125 123|030 23125 124|+49 171 3920012|0171/3920013|+49 (0)89 99998-123
+91 98765 43210|098765 43211|+91-22-2778-2183|+33 6 12 34 56 78|01 99 00 12 34|+39 06 6982 1234
+34 912 345 678|+81 3-1234-5678|+86 138 0013 8000|+55 11 91234-5678|+61 491 570 156|+27 82 123 4567
+971 50 123 4567|+353 87 123 4567|5 5 5, 1 2 3 4|4 1 5 5 5 5 2 6 7 5|4-1-5, 5-5-5, 2-6-7-6|555-0142
555 867 5309|+1 415 555 0199|41 55 55 26 77|٤١٥٥٥٥٢٦٧٨
""".strip().replace("\n", "|").split("|")  # fmt: skip

SPELLED = """
four one five five five five two six seven one|five five five one two three four|nine nine eight seven
oh seven nine one one one two three four five six|double five triple seven one two
four one five dash five five five dash two six|twenty twenty four twelve|nineteen eighty five
one two three and four five six|five hundred twelve sixty four|s m i t h|k-a-t-h-e-r-i-n-e|J. A. N. E.
m c c a r t h y|seven b four k nine two
""".strip().replace("\n", "|").split("|")  # fmt: skip

CARDS = """
4111 1111 1111 1111|4242424242424242|5555-5555-5555-4444|4539 5787 6362 1486|4716 6164 8931 9270
378282246310005|3782 822463 10005|6011 1111 1111 1117|30569309025904|4222222222222|1234 5678 9012 3456
2221 0012 3412 3456
""".strip().replace("\n", "|").split("|")  # fmt: skip

ACCOUNTS = """
DE89 3704 0044 0532 0130 00|GB29NWBK60161331926819|FR14 2004 1010 0505 0001 3M02 606|NL91ABNA0417164300
ES91 2100 0418 4502 0005 1332|sort code 20-00-00 account 55779911|123-45-6789|078-05-1120|219 09 9999
QQ 12 34 56 C|AB123456C|85.05.23-123.45|900101-1234567|X1234567|C01X00T47|L8988901C3|D1234-56789-01234
""".strip().replace("\n", "|").split("|")  # fmt: skip

ADDRESSES = """
12 Rose Street|221B Baker Street|1600 Amphitheatre Parkway|742 Evergreen Terrace|Flat 4B, 17 Elm Grove
9 high street|5 the crescent|Hauptstraße 128|10115 Berlin|SW1A 2AA|EC1A 1BB|M1 1AE|90210-1234|K1A 0B1
75008 Paris|110001 New Delhi|P.O. Box 4711|3 chome 5-12 Shibuya|Calle Mayor 45, 28013 Madrid
1 infinite loop cupertino|fourteen mill road|7 white hart lane
""".strip().replace("\n", "|").split("|")  # fmt: skip

DATES = """
1985-05-23|23/05/1985|May 23, 1985|05.23.85|23.5.1985|23rd of May 1985|1985年5月23日|3-14-1972|19850523
""".strip().replace("\n", "|").split("|")  # fmt: skip

ORDERS = """
8834201|AB-1234567|#100239|W2-99817-K|ORD20231157|4711-0815|TX 88 31 77|PNR7K3QX|ticket 55312|60412.77
https://bank.example.org/users/jsmith?acct=88231|@mark_hill|skype:katherine.obrien|/home/jsmith/orders
jsmith1985|192.168.17.42|2001:db8:85a3::8a2e:370:7334|37.774929, -122.419416
""".strip().replace("\n", "|").split("|")  # fmt: skip

PLANTED = [
    *NAMES, *EMAILS, *PHONES, *SPELLED, *CARDS, *ACCOUNTS, *ADDRESSES, *DATES, *ORDERS,
]  # fmt: skip
