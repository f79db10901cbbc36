"""Every socket the program opens, each behind the same few methods, each wait with a bound."""
