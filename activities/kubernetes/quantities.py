"""Quantities as the API writes them (`500m`, `2Gi`) as numbers that can be compared."""

from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity


def amount(text: object) -> Decimal:
    """In cores, bytes or pieces; 0 for what is no quantity."""
    try:
        number: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]  # no annotation
    except (ValueError, ArithmeticError):
        return Decimal(0)
    return number


def plain(number: Decimal) -> int | float:
    """As JSON has it: whole where it is whole, otherwise with three digits."""
    return int(number) if number == number.to_integral_value() else round(float(number), 3)
