"""Our own drawings: the inside of an SVG of 24 by 24, to be stroked."""

from collections.abc import Mapping
from types import MappingProxyType

from markupsafe import Markup

_TURNING = (
    '<path d="M20 11a8 8 0 0 0-14-4.5L4 9"/><path d="M4 4v5h5"/>'
    '<path d="M4 13a8 8 0 0 0 14 4.5l2-2.5"/><path d="M20 20v-5h-5"/>'
)
ICONS: Mapping[str, Markup] = MappingProxyType(
    {
        name: Markup(drawing)  # noqa: S704 - written here
        for name, drawing in {
            "check": '<circle cx="12" cy="12" r="9"/><path d="m8 12.5 2.8 2.8L16 9.5"/>',
            "cross": '<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8z"/><path d="m9 9 6 6m0-6-6 6"/>',
            "warning": '<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.2m0 2.6v.1"/>',
            "turning": _TURNING,
            "hourglass": '<path d="M7 3h10M7 21h10"/>'
            '<path d="M8 3v4l4 5 4-5V3M8 21v-4l4-5 4 5v4"/>',
            "pause": '<path d="M8 5v14M16 5v14"/>',
            "minus": '<rect x="4" y="4" width="16" height="16" rx="3"/><path d="M9 12h6"/>',
            "dashes": '<circle cx="12" cy="12" r="9" stroke-dasharray="3.5 3.5"/>',
            "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
            "dots": '<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3.4"/>',
            "down": '<path d="m6 9 6 6 6-6"/>',
            "reconnect": _TURNING,
            "rename": '<path d="M4 20h4L19 9l-4-4L4 16zM13 7l4 4"/>',
            "play": '<path d="M7 4.5v15l12-7.5z"/>',
            "history": '<path d="M4 5v5h5"/><path d="M4.5 14a8 8 0 1 0 1-7L4 10"/>'
            '<path d="M12 8v4l3 2"/>',
            "practice": '<path d="M13 3 5 14h6l-1 7 8-11h-6z"/>',
            "unplug": '<path d="M9 3v5m6-5v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4"/>',
            "copy": '<rect x="9" y="9" width="11" height="11" rx="2"/>'
            '<path d="M5 15H4V5a1 1 0 0 1 1-1h10v1"/>',
            "delete": '<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13"/>',
            "outside": '<path d="M14 4h6v6M20 4l-9 9"/>'
            '<path d="M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5"/>',
            "download": '<path d="M12 4v11m-5-5 5 5 5-5M5 20h14"/>',
            "arrow": '<path d="M5 12h14m-5-5 5 5-5 5"/>',
            "tick": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
            "search": '<circle cx="11" cy="11" r="7"/><path d="m16.5 16.5 4 4"/>',
            "spark": '<path d="m12 3 2.2 6.8L21 12l-6.8 2.2L12 21l-2.2-6.8L3 12l6.8-2.2z"/>',
            "info": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5m0-8.6v.1"/>',
            "mail": '<rect x="3.5" y="5.5" width="17" height="13" rx="2.5"/>'
            '<path d="m4.5 7.5 7.5 6 7.5-6"/>',
        }.items()
    }
)
