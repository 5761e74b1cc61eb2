"""Cuts that come from editorial and go back there. Source: spec exchange, "EDL / OTIO import".

- `rates.py`, `frames.py`: frame rates, timecodes, and where a clip lies in a cut, in exact numbers;
- `naming.py`: the convention by which clips are named after shots;
- `reading/`: a file becomes a list of clips, in a confined process;
- `plan.py`: what a cut would change; `actions.py` changes it;
- `writing/`: shots and previews become OTIO, EDL or FCP 7 XML.
"""
