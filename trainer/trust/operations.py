"""The operations that a model of unknown origin may have: those that only compute.

TensorFlow has some 1,900. Many of them read and write files, run Python, or talk to other machines,
and nothing in their declarations says so (ReadFile is declared stateless), so the harmless ones are
named here. What is missing is refused: an operation that TensorFlow adds later is not trusted
before somebody has read what it does.
"""

from collections.abc import Iterable

from dualcontrast.trainer.errors import UserError

_ARRAYS = """
    BatchMatrixBandPart BatchMatrixDiag BatchMatrixDiagPart BatchMatrixSetDiag BatchToSpace
    BatchToSpaceND Bitcast BroadcastArgs BroadcastGradientArgs BroadcastTo Concat ConcatOffset
    ConcatV2 ConjugateTranspose Const DepthToSpace Diag DiagPart EnsureShape ExpandDims
    ExtractImagePatches ExtractVolumePatches Fill Gather GatherNd GatherV2 Identity IdentityN
    InvertPermutation ListDiff LowerBound MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2
    MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3
    MirrorPad OneHot OnesLike Pack Pad PadV2 ParallelConcat Placeholder PlaceholderWithDefault
    PreventGradient Rank Reshape ResourceGather ResourceGatherNd Reverse ReverseSequence ReverseV2
    ScatterNd Shape ShapeN Size Slice Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV
    Squeeze StopGradient StridedSlice TensorScatterAdd TensorScatterMax TensorScatterMin
    TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose Unique UniqueV2
    UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex UpperBound Where ZerosLike
"""
_ARITHMETIC = """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin
    Asinh Atan Atan2 Atanh BatchMatMul BatchMatMulV2 BatchMatMulV3 Betainc Bincount BitwiseAnd
    BitwiseOr BitwiseXor Bucketize Cast Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Cross
    Cumprod Cumsum CumulativeLogsumexp DenseBincount Digamma Div DivNoNan Equal Erf Erfc Erfinv
    EuclideanNorm Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual HistogramFixedWidth Igamma
    Igammac Imag Inv Invert IsFinite IsInf IsNan LeftShift Less LessEqual Lgamma LinSpace Log Log1p
    LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri Neg
    NextAfter NotEqual Polygamma PopulationCount Pow Prod Range Real RealDiv Reciprocal RightShift
    Rint Round Rsqrt SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Select SelectV2
    Sigmoid Sign Sin Sinh SparseMatMul SparseTensorDenseMatMul Sqrt Square SquaredDifference Sub Sum
    Tan Tanh TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum Xdivy Xlog1py Xlogy Zeta
"""
_ALGEBRA = """
    BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D BesselI0 BesselI0e BesselI1
    BesselI1e Cholesky Eig Einsum FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND IRFFT IRFFT2D
    IRFFT3D IRFFTND LogMatrixDeterminant Lu MatrixDeterminant MatrixExponential MatrixInverse
    MatrixLogarithm MatrixSolve MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Qr RFFT RFFT2D
    RFFT3D RFFTND SelfAdjointEig SelfAdjointEigV2 Svd TridiagonalMatMul TridiagonalSolve
"""
_NETWORKS = """
    ApproxTopK AvgPool AvgPool3D BatchNormWithGlobalNormalization BiasAdd BiasAddV1 Conv Conv2D
    Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 DataFormatDimMap DataFormatVecPermute
    DepthwiseConv2dNative Dequantize Dilation2D Elu FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel FractionalAvgPool FractionalMaxPool FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D InTopK InTopKV2 L2Loss
    LRN LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax NthElement QuantizeV2
    Relu Relu6 Selu Softmax SoftmaxCrossEntropyWithLogits Softplus Softsign
    SparseSoftmaxCrossEntropyWithLogits TopK TopKV2
"""
# An image within a tensor: what they decode and encode are bytes, never names of files.
_IMAGES = """
    AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation AsString CropAndResize
    DecodeAndCropJpeg DecodeBase64 DecodeBmp DecodeImage DecodeJpeg DecodePng DecodeRaw
    DrawBoundingBoxes DrawBoundingBoxesV2 EncodeBase64 EncodeJpeg EncodeJpegVariableQuality
    EncodePng ExtractGlimpse ExtractGlimpseV2 ExtractJpegShape HSVToRGB ImageProjectiveTransformV2
    ImageProjectiveTransformV3 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RGBToHSV
    ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
    StatelessSampleDistortedBoundingBox StringFormat StringJoin
"""
# Assert only raises; the functions that are called are looked at themselves.
_CONTROL = """
    Assert Case CheckNumerics CheckNumericsV2 ControlTrigger EmptyTensorList Enter Exit FakeParam
    For GuaranteeConst If LoopCond Merge NextIteration NoOp PartitionedCall StatefulPartitionedCall
    StatelessCase StatelessIf StatelessWhile Switch TensorListConcat TensorListConcatLists
    TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
    TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListPushBackBatch
    TensorListReserve TensorListResize TensorListScatter TensorListScatterIntoExistingList
    TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack ToBool While
"""
_CHANCE = """
    Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt StatelessMultinomial
    StatelessParameterizedTruncatedNormal StatelessRandomBinomial StatelessRandomGammaV2
    StatelessRandomGammaV3 StatelessRandomGetAlg StatelessRandomGetKeyCounter
    StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomPoisson StatelessRandomUniform StatelessRandomUniformFullInt
    StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
    StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
    TruncatedNormal
"""
_VARIABLES = """
    AssignAddVariableOp AssignSubVariableOp AssignVariableOp DisableCopyOnRead ReadVariableOp
    ResourceScatterAdd ResourceScatterUpdate VarHandleOp VarIsInitializedOp VariableShape
"""

HARMLESS = frozenset(
    " ".join(
        [_ARRAYS, _ARITHMETIC, _ALGEBRA, _NETWORKS, _IMAGES, _CONTROL, _CHANCE, _VARIABLES]
    ).split()
)


def strange(operations: Iterable[str]) -> str:
    """Returns in words the operations that may do more than compute; empty where there are none.

    Args:
      operations: names, in any order and number.
    """
    found = sorted(set(operations) - HARMLESS)
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more


def refusal(model: str, reason: str) -> UserError:
    """Returns the error of a model that is not run before its user says that it is trusted.

    Args:
      model: the flag and its value.
      reason: what it has, as in "has ...".
    """
    return UserError(
        f"{model} {reason}: it could touch files or run code, and was not loaded.\n"
        "If you trust whoever made this model, add --trust_model"
    )
